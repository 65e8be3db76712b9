/* Rows of a file become records.
 *
 *     chunk -> framer -> record      value    the bytes as they stand there
 *                                    headers  file, line, offset, CSV header
 *
 * A transaction holds a bounded number of records and the cursor behind the
 * last of them.  A snapshot is the exception: its rows are followed by one
 * end record and only then by the cursor, because half a snapshot is none;
 * after a crash it starts again with a begin record.
 *
 * A row that the topic does not take becomes a letter that says where it
 * stands.  A snapshot that lost a row so has no end record: it inserts and
 * updates, but must not delete what it seems not to have.
 */
#include "producers/files.h"

#include "base/assert.h"
#include "base/diag.h"

#include <stdio.h>

enum {
    MOST_RECORD = 16 << 20,
    TXN_RECORDS = 10000,
    TXN_BYTES = 4 << 20,
};

/* --- starting ------------------------------------------------------------ */

static int fill(cu_files_half *h, int64_t at, size_t *got, cu_err *err)
{
    cu_env *env = h->c->o.env;
    return env->vt->read_at(env, h->f.in, at, h->chunk, CU_FILE_CHUNK, got,
                            err);
}

static cu_framer *framer_at(const cu_files_half *h, int64_t position,
                            int64_t line)
{
    cu_framer *f = cu_framer_new(h->s->framing, h->s->csv_headerless, position,
                                 line, MOST_RECORD);
    if (h->s->framing == CU_FRAME_CSV)
        cu_framer_set_delimiter(f, h->s->csv_delimiter);
    return f;
}

/* The header of a file that is read on from the middle. */
static int find_header(cu_files_half *h, cu_err *err)
{
    cu_framer *first = framer_at(h, 0, 1);
    cu_frame row;
    int64_t at = 0;
    int rc = 0;
    while (!rc && !cu_framer_header(first).data) {
        size_t got;
        rc = fill(h, at, &got, err);
        if (rc || got == 0)
            break;
        at += (int64_t)got;
        cu_framer_feed(first, cu_slice_n(h->chunk, got), false);
        if (cu_framer_next(first, &row))
            break;
    }
    cu_slice header = cu_framer_header(first);
    if (!rc && header.data)
        cu_framer_set_header(h->f.framer, header);
    cu_framer_free(first);
    return rc;
}

int cu_file_start(cu_files_half *h, int64_t position, int64_t line, cu_err *err)
{
    cu_file *f = &h->f;
    h->state = CU_FILE_READING;
    f->framer = framer_at(h, position, line);
    f->read_at = position;
    h->c->counts.done += position;
    f->told = position;
    cu_collector_tell(h->c, "reads %s from byte %lld", f->path,
                      (long long)position);
    if (position > 0 && h->s->framing == CU_FRAME_CSV && !h->s->csv_headerless)
        return find_header(h, err);
    return 0;
}

/* --- records ------------------------------------------------------------- */

static int letter(cu_files_half *h, const cu_record *r, const char *why,
                  cu_err *err)
{
    cu_letter_out l = {.sqlstate = CU_STATE_TOO_LONG, .value = r->value};
    static const char *const names[] = {CU_H_FILE, CU_H_LINE, CU_H_FILE_OFFSET,
                                        CU_H_CSV_HEADER};
    for (uint32_t i = 0; i < r->n_headers; i++)
        cu_letter_put(&l, names[i], r->headers[i].value);
    l.message = cu_arena_printf(h->c->scratch, "%s line %.*s: %s", h->f.path,
                                (int)r->headers[1].value.len,
                                r->headers[1].value.data, why);
    h->f.lossy = true;
    return cu_publish_letter(h->c, &l, err);
}

static int publish_row(cu_files_half *h, const cu_frame *row, cu_err *err)
{
    char line[24], offset[24];
    int n_line = snprintf(line, sizeof(line), "%lld", (long long)row->line);
    int n_offset = snprintf(offset, sizeof(offset), "%lld",
                            (long long)row->offset);
    cu_slice header = cu_framer_header(h->f.framer);
    cu_header headers[] = {
        {CU_LIT(CU_H_FILE), cu_slice_of(h->f.name)},
        {CU_LIT(CU_H_LINE), {line, (size_t)n_line}},
        {CU_LIT(CU_H_FILE_OFFSET), {offset, (size_t)n_offset}},
        {CU_LIT(CU_H_CSV_HEADER), header},
    };
    cu_record r = {
        .part = {h->c->o.topic, h->f.partition},
        .timestamp_ms = h->f.seen_us / 1000,
        .value = row->bytes,
        .headers = headers,
        .n_headers = header.data ? 4 : 3,
    };
    int rc = cu_publish_record(h->c, &r, err);
    if (rc != CU_LIMIT || (err->flags & CU_ABORT))
        return rc;
    char why[sizeof(err->msg)];
    snprintf(why, sizeof(why), "%s", err->msg);
    cu_err_clear(err);
    return letter(h, &r, why, err);
}

static int publish_mark(cu_files_half *h, const char *mark, cu_err *err)
{
    cu_header headers[] = {
        {CU_LIT(CU_H_FILE), cu_slice_of(h->f.name)},
        {CU_LIT(CU_H_SNAPSHOT), cu_slice_of(mark)},
    };
    cu_record r = {
        .part = {h->c->o.topic, h->f.partition},
        .timestamp_ms = h->f.seen_us / 1000,
        .value = CU_LIT(""),
        .headers = headers,
        .n_headers = 2,
    };
    return cu_publish_record(h->c, &r, err);
}

/* Before the first row: is it a file of this table?  *refused: no, and it is
 * closed. */
static int begin(cu_files_half *h, bool *refused, cu_err *err)
{
    cu_file *f = &h->f;
    cu_slice header = cu_framer_header(f->framer);
    *refused = false;
    f->checked = true;
    if (h->s->framing == CU_FRAME_CSV && header.data) {
        const char *missing = cu_header_lacks(
            header, h->s->csv_delimiter, h->s->csv_required,
            h->s->n_csv_required, h->c->scratch);
        if (missing) {
            *refused = true;
            return cu_file_refuse(h, CU_STATE_COLUMN, header, err,
                                  "its header lacks the NOT NULL columns: %s",
                                  missing);
        }
    }
    if (h->s->mode != CU_FILES_SNAPSHOT)
        return 0;
    f->begun = true;
    return publish_mark(h, "begin", err);
}

/* --- committing ---------------------------------------------------------- */

int cu_file_save(cu_files_half *h, cu_err *err)
{
    cu_file *f = &h->f;
    int rc = 0;
    if (h->c->in_txn && h->state == CU_FILE_READING &&
        h->s->mode != CU_FILES_SNAPSHOT) {
        cu_file_known k = {
            .part = true,
            .position = cu_framer_position(f->framer),
            .line = cu_framer_line(f->framer),
            .hash = f->content,
        };
        if (h->s->mode == CU_FILES_APPEND) {
            bool done;
            int64_t end;
            rc = cu_sum_some(h, k.position, INT64_MAX, &done, &end, &k.hash,
                             err);
        }
        if (!rc)
            rc = cu_file_put(h, &k, err);
    }
    return rc ? rc : cu_publish_commit(h->c, err);
}

static int finish(cu_files_half *h, cu_err *err)
{
    cu_file *f = &h->f;
    cu_file_known k = {
        .open = !f->ended && cu_framer_position(f->framer) < f->read_at,
        .position = cu_framer_position(f->framer),
        .line = cu_framer_line(f->framer),
        .hash = f->content,
    };
    int rc = 0;
    if (h->s->mode == CU_FILES_APPEND) {
        bool done;
        int64_t end;
        rc = cu_sum_some(h, k.position, INT64_MAX, &done, &end, &k.hash, err);
    }
    if (!rc && f->begun && !f->lossy)
        rc = publish_mark(h, "end", err);
    if (f->begun && f->lossy)
        cu_warn("table %s: %s: some of its rows were refused, so that it "
                "deletes nothing",
                h->c->o.table, f->path);
    if (!rc)
        rc = cu_file_put(h, &k, err);
    cu_file_close(h);
    return rc;
}

/* --- reading ------------------------------------------------------------- */

/* All rows that the framer has.  *stop: the limit, or the file was refused. */
static int publish_rows(cu_files_half *h, int64_t until_us, bool *stop,
                        cu_err *err)
{
    cu_file *f = &h->f;
    cu_collector *c = h->c;
    cu_frame row;
    int rc = 0;
    *stop = cu_publish_limit(c);
    while (!rc && !*stop && cu_framer_next(f->framer, &row)) {
        bool refused = false;
        if (!f->checked)
            rc = begin(h, &refused, err);
        if (rc || refused) {
            *stop = true;
            return rc;
        }
        if (row.bytes.len > 0)
            rc = publish_row(h, &row, err);
        *stop = cu_publish_limit(c);
        if (rc || *stop ||
            (c->txn_records < TXN_RECORDS && c->txn_bytes < TXN_BYTES))
            continue;
        rc = cu_file_save(h, err);
        cu_arena_reset(c->scratch);
        *stop = cu_mono_us(c->o.env) >= until_us;
    }
    return rc;
}

static void count_done(cu_files_half *h)
{
    cu_file *f = &h->f;
    h->c->counts.done += f->read_at - f->told;
    f->told = f->read_at;
}

/* The file's last bytes were read. */
static int at_end(cu_files_half *h, cu_err *err)
{
    cu_file *f = &h->f;
    if (!f->ended && cu_file_ends(h)) {
        cu_framer_feed(f->framer, CU_LIT(""), true);
        f->ended = true;
        return 0;
    }
    bool refused = false;
    int rc = f->checked ? 0 : begin(h, &refused, err);
    return rc || refused ? rc : finish(h, err);
}

int cu_file_read_some(cu_files_half *h, int64_t until_us, cu_err *err)
{
    cu_file *f = &h->f;
    for (;;) {
        bool stop;
        size_t got = 0;
        int rc = publish_rows(h, until_us, &stop, err);
        if (rc || stop || h->state != CU_FILE_READING)
            return rc;
        if (!f->ended)
            rc = fill(h, f->read_at, &got, err);
        if (rc)
            return rc;
        if (got > 0) {
            f->read_at += (int64_t)got;
            cu_framer_feed(f->framer, cu_slice_n(h->chunk, got), false);
            count_done(h);
        } else {
            rc = at_end(h, err);
        }
        if (rc || h->state != CU_FILE_READING ||
            cu_mono_us(h->c->o.env) >= until_us)
            return rc;
    }
}
