/* The hash of a file's first bytes.
 *
 *     | block 0 | block 1 | block 2 | tail |
 *      h1=f(0,b0) h2=f(h1,b1) h3=…     f(h3, tail)
 *
 * The state is the fold over whole blocks; a tail is hashed when it is asked
 * for and read again later.  So the hash of any prefix can be told while a
 * file is read on, without keeping bytes and without starting over.
 */
#include "producers/files.h"

#include "base/assert.h"

static uint64_t fold(uint64_t hash, const char *bytes, size_t len)
{
    uint64_t pair[2] = {hash, cu_hash(cu_slice_n(bytes, len))};
    return cu_hash(cu_slice_n(pair, sizeof(pair)));
}

/* Up to `len` bytes; fewer only at the end of the file. */
static int read_full(cu_files_half *h, int64_t at, size_t len, size_t *got,
                     cu_err *err)
{
    cu_env *env = h->c->o.env;
    *got = 0;
    while (*got < len) {
        size_t n = 0;
        int rc = env->vt->read_at(env, h->f.in, at + (int64_t)*got,
                                  h->chunk + *got, len - *got, &n, err);
        if (rc)
            return rc;
        if (n == 0)
            return 0;
        *got += n;
    }
    return 0;
}

int cu_sum_some(cu_files_half *h, int64_t to, int64_t until_us, bool *done,
                int64_t *end, uint64_t *hash, cu_err *err)
{
    cu_file_sum *s = &h->f.sum;
    CU_ASSERT(to < 0 || to >= s->at);
    *done = true;
    for (;;) {
        size_t want = CU_FILE_BLOCK, got;
        if (to >= 0 && to - s->at < CU_FILE_BLOCK)
            want = (size_t)(to - s->at);
        int rc = read_full(h, s->at, want, &got, err);
        if (rc)
            return rc;
        if (got < CU_FILE_BLOCK) {
            *end = s->at + (int64_t)got;
            *hash = got ? fold(s->hash, h->chunk, got) : s->hash;
            return 0;
        }
        s->hash = fold(s->hash, h->chunk, got);
        s->at += CU_FILE_BLOCK;
        *end = s->at;
        *hash = s->hash;
        if (s->at == to)
            return 0;
        if (cu_mono_us(h->c->o.env) >= until_us) {
            *done = false;
            return 0;
        }
    }
}
