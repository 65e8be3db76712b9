/* The source of rows; shared by files*.c.
 *
 *   files.c         a pass over the files, in order
 *   files_look.c    what is to be done with a file: nothing, read on, refuse
 *   files_read.c    rows -> records
 *   files_header.c  the columns that a CSV must have
 *   files_sum.c     the hash of a file's first bytes
 */
#ifndef CU_PRODUCERS_FILES_H
#define CU_PRODUCERS_FILES_H

#include "producers/int.h"

/* Hash of the first `at` bytes: a fold over blocks of a fixed size, so that
 * it can go on from any position without keeping bytes. */
typedef struct cu_file_sum {
    int64_t at; /* a multiple of the block */
    uint64_t hash;
} cu_file_sum;

/* What the cursor says of a file. */
typedef struct cu_file_known {
    bool known;
    bool part; /* WHOLE: reading was cut short at `position` */
    bool dead; /* refused as it is */
    bool open; /* a last line without an end waits behind `position` */
    int64_t size_bytes, modified_us;
    int64_t seen_us; /* wall clock when it was looked at */
    uint64_t id;
    int64_t position, line;
    uint64_t hash; /* APPEND: of what is before `position`; else of all */
} cu_file_known;

/* The file at hand. */
typedef struct cu_file {
    const char *name; /* relative to the dir */
    char *path;       /* heap */
    int32_t partition;
    cu_stat stat;
    int64_t seen_us;
    cu_infile *in;
    cu_file_known known;
    /* files_look.c */
    cu_file_sum sum;
    uint64_t content; /* WHOLE, SNAPSHOT: hash of all */
    /* files_read.c */
    cu_framer *framer;
    int64_t read_at;
    bool ended;   /* the framer was told */
    bool checked; /* the header is good */
    bool begun;   /* SNAPSHOT: its begin record is out */
    bool lossy;   /* SNAPSHOT: a row became a letter */
    int64_t told; /* bytes counted as done */
} cu_file;

typedef enum cu_file_state {
    CU_FILE_NONE,
    CU_FILE_SUMMING, /* hashing up to `sum_to` */
    CU_FILE_READING,
} cu_file_state;

typedef struct cu_files_half {
    cu_collector *c;
    const cu_files_source *s;
    cu_arena *arena; /* the pass */
    char **names;
    size_t n, at;
    cu_file_state state;
    cu_file f;
    int64_t sum_to; /* -1: to the end of the file */
    char *chunk;    /* CU_FILE_CHUNK bytes */
} cu_files_half;

enum { CU_FILE_CHUNK = 256 << 10, CU_FILE_BLOCK = 64 << 10 };

/* --- files_look.c */
/* Opens the next file; h->state says what follows (NONE: nothing to do). */
int cu_file_look(cu_files_half *h, const char *name, cu_err *err);
/* Hashes on until `until_us`; then the state changes. */
int cu_file_sum_some(cu_files_half *h, int64_t until_us, cu_err *err);
/* Remembers the file as it is now. */
int cu_file_put(cu_files_half *h, const cu_file_known *k, cu_err *err);
/* A letter, unless it was refused before. */
int cu_file_refuse(cu_files_half *h, uint32_t sqlstate, cu_slice value,
                   cu_err *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void cu_file_close(cu_files_half *h);
/* A bronze record or letter may be made of a last line without an end. */
bool cu_file_ends(const cu_files_half *h);

/* --- files_read.c */
int cu_file_start(cu_files_half *h, int64_t position, int64_t line,
                  cu_err *err);
int cu_file_read_some(cu_files_half *h, int64_t until_us, cu_err *err);
/* What was read of a file so far is committed with its cursor. */
int cu_file_save(cu_files_half *h, cu_err *err);

/* --- files_header.c */
/* NULL, or the names of required columns that the header lacks, in `a`. */
const char *cu_header_lacks(cu_slice header, char delimiter,
                            const char *const *required, uint32_t n,
                            cu_arena *a);

/* --- files_sum.c */
/* Goes on to `to` (or the end of the file), at most until `until_us`;
 * *done says whether it got there.  *end: where it got. */
int cu_sum_some(cu_files_half *h, int64_t to, int64_t until_us, bool *done,
                int64_t *end, uint64_t *hash, cu_err *err);

#endif
