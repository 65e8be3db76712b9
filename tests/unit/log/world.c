/* A small world for tests of the embedded log. */
#include "tests/unit/log/world.h"

#include "tests/unit/log/tools.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void open_log(cu_world *w)
{
    cu_err err = {0};
    cu_log_local_opts o = {.kv = w->kv,
                           .env = w->env,
                           .carry_state = w->carry_state,
                           .memory_bytes = w->memory_bytes};
    CU_OK_(cu_log_open_local(&o, &w->log, &err), &err);
}

static void open_rocks(cu_world *w)
{
    cu_err err = {0};
    CU_OK_(
        cu_kv_open_rocks(w->folder, &(cu_kv_opts){.wal = true}, &w->kv, &err),
        &err);
}

cu_world cu_world_sim(bool carry_state)
{
    cu_world w = {.carry_state = carry_state};
    w.kv = cu_kv_open_memory(42);
    w.env = cu_env_sim(42);
    open_log(&w);
    return w;
}

cu_world cu_world_memory(void)
{
    cu_world w = {.carry_state = true};
    w.kv = cu_kv_open_memory(42);
    w.env = cu_env_real(false);
    open_log(&w);
    return w;
}

cu_world cu_world_rocks(bool carry_state)
{
    cu_world w = {.carry_state = carry_state};
    const char *root = getenv("TMPDIR");
    snprintf(w.folder, sizeof(w.folder), "%s/cupel-log-XXXXXX",
             root ? root : P_tmpdir);
    CU_EXPECT(mkdtemp(w.folder));
    w.env = cu_env_real(false);
    open_rocks(&w);
    open_log(&w);
    return w;
}

void cu_world_reopen(cu_world *w)
{
    w->log->vt->close(w->log);
    if (w->folder[0]) {
        w->kv->vt->close(w->kv);
        open_rocks(w);
    }
    open_log(w);
}

void cu_world_crash(cu_world *w, bool power)
{
    /* Close without the final sync: the kv forgets what was not synced. */
    cu_kv_memory_crash(w->kv, power);
    w->log->vt->close(w->log);
    open_log(w);
}

static void remove_folder(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char name[600];
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            unlink(name);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

void cu_world_close(cu_world *w)
{
    w->log->vt->close(w->log);
    w->kv->vt->close(w->kv);
    w->env->vt->close(w->env);
    if (w->folder[0])
        remove_folder(w->folder);
}
