/* The door to chance, clock, files and signals.
 *
 * Nothing else in the tree calls time(), rand(), open() or sigaction().
 * cu_env_real() is the machine; cu_env_sim() is a virtual clock, a seeded
 * generator and an in-memory file system whose unsynced bytes vanish in a
 * crash.  `fault(point)` is a no-op in production unless CUPEL_CRASH_AT
 * names the point: "after_commit", or "after_commit:3" for its third visit,
 * ends the process at once; "after_commit:3:stop" has it stop itself
 * (SIGSTOP) at each third visit, "after_commit:3:5000" sleep there for 5 s.
 * In simulation it is where a crash may be injected: it then returns true
 * and the caller unwinds as if killed.
 *
 * Paths are UTF-8, relative ones relative to the working directory.
 * Thread: the real environment may be used from any thread.
 */
#ifndef CU_BASE_ENV_H
#define CU_BASE_ENV_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

typedef struct cu_env cu_env;
typedef struct cu_lock cu_lock;       /* an exclusive lock file */
typedef struct cu_infile cu_infile;   /* a file open for reading */
typedef struct cu_outfile cu_outfile; /* one that is being made */

typedef struct cu_stat {
    int64_t size_bytes;
    int64_t modified_us; /* microseconds since 1970 */
    uint64_t id;         /* equal for two paths to one file; 0: unknown */
    bool is_dir;
} cu_stat;

typedef struct cu_names { /* in the arena that was passed */
    char **names;
    size_t n;
} cu_names;

typedef struct cu_env_vt {
    int version;
    int64_t (*wall_us)(cu_env *);           /* microseconds since 1970, UTC */
    int64_t (*mono_us)(cu_env *);           /* never goes back; for intervals */
    uint64_t (*chance)(cu_env *);           /* 64 random bits */
    void (*sleep_us)(cu_env *, int64_t us); /* ends early on a stop request */
    bool (*fault)(cu_env *, const char *point);
    int (*stop_requested)(cu_env *); /* signals received: 0, 1, 2 … */

    int (*read_file)(cu_env *, const char *path, size_t max_bytes, cu_arena *,
                     cu_slice *out, cu_err *);
    /* Whole content or nothing: temporary file, fsync, rename. Makes the
     * folders above. */
    int (*write_file)(cu_env *, const char *path, cu_slice, cu_err *);
    /* The same in pieces. end_out(keep false) leaves no trace; it ends the file
     * in any case. */
    int (*open_out)(cu_env *, const char *path, cu_outfile **, cu_err *);
    int (*write_out)(cu_env *, cu_outfile *, cu_slice, cu_err *);
    int (*end_out)(cu_env *, cu_outfile *, bool keep, cu_err *);
    int (*stat)(cu_env *, const char *path, cu_stat *out, cu_err *);
    /* Entries of a folder without "." and "..", in byte order. */
    int (*list_dir)(cu_env *, const char *path, cu_arena *, cu_names *,
                    cu_err *);
    int (*make_dirs)(cu_env *, const char *path, cu_err *);
    int (*remove)(cu_env *, const char *path, cu_err *); /* file, empty dir */
    int (*open_in)(cu_env *, const char *path, cu_infile **, cu_err *);
    /* Up to `max` bytes at `offset`; *got == 0 means end of file. */
    int (*read_at)(cu_env *, cu_infile *, int64_t offset, char *to, size_t max,
                   size_t *got, cu_err *);
    void (*close_in)(cu_env *, cu_infile *);
    /* CU_BUSY when another process (or handle) holds it; the message names
     * the holder's pid.  The file holds our pid. */
    int (*lock)(cu_env *, const char *path, cu_lock **, cu_err *);
    void (*unlock)(cu_env *, cu_lock *);
    const char *(*variable)(cu_env *, const char *name); /* NULL: not set */
    void (*close)(cu_env *);
} cu_env_vt;

struct cu_env {
    const cu_env_vt *vt;
};

/* The machine. Installs handlers for SIGTERM, SIGINT (and ignores SIGPIPE)
 * when `handle_signals`.  One per process. */
cu_env *cu_env_real(bool handle_signals);
/* A world of its own under a seed; starts at 2024-01-01T00:00:00Z. */
cu_env *cu_env_sim(uint64_t seed);
/* Moves the virtual clock; sim only. */
void cu_env_sim_advance(cu_env *sim, int64_t us);
/* The probability (0..1000 per mille) that a visited fault point fires, and
 * an optional name: only this point, at its `hit`th visit. Sim only. */
void cu_env_sim_faults(cu_env *sim, unsigned per_mille, const char *only,
                       unsigned hit);
/* How many fault points were visited so far; sim only. */
uint64_t cu_env_sim_visits(const cu_env *sim);
/* What a power cut does: files fall back to their last synced content,
 * removals may come undone, locks are free, stop requests forgotten. */
void cu_env_sim_crash(cu_env *sim);
void cu_env_sim_stop(cu_env *sim, int requests);

static inline int64_t cu_wall_us(cu_env *e)
{
    return e->vt->wall_us(e);
}
static inline int64_t cu_mono_us(cu_env *e)
{
    return e->vt->mono_us(e);
}
static inline int64_t cu_mono_ms(cu_env *e)
{
    return e->vt->mono_us(e) / 1000;
}
static inline bool cu_fault(cu_env *e, const char *point)
{
    return e->vt->fault(e, point);
}

/* --- helpers over the door --------------------------------------------- */

/* dir + "/" + name, or `name` alone when it is absolute. */
char *cu_path_join(cu_arena *a, const char *dir, const char *name);
/* Folder part ("." when there is none) and last part. */
char *cu_path_dir(cu_arena *a, const char *path);
const char *cu_path_base(const char *path);
/* Files under `dir` that match a glob (star, question mark, [set], and a
 * double star for any folders), relative to `dir`, in byte order.  Names
 * with a leading dot match only a pattern that has it; a double star does
 * not follow links back into folders that it came through. */
int cu_glob(cu_env *e, const char *dir, const char *pattern, cu_arena *a,
            cu_names *out, cu_err *err);
/* "events2.csv" before "events10.csv": <0, 0, >0. */
int cu_natural_cmp(const char *a, const char *b);

#endif
