/* Where commands write: stdout and stderr, or whoever asked. */
#include "ops/cli.h"

#include "base/alloc.h"
#include "base/diag.h"

#include <stdarg.h>

static void put(cu_out *o, int stream, const char *format, va_list ap)
{
    cu_arena *a = cu_arena_new(0);
    char *text = cu_arena_vprintf(a, format, ap);
    o->write(o->ctx, stream, cu_slice_of(text));
    cu_arena_free(a);
}

void cu_print(cu_out *o, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    put(o, 1, format, ap);
    va_end(ap);
}

void cu_say(cu_out *o, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    put(o, 2, format, ap);
    va_end(ap);
}

bool cu_cmd_stopped(cu_cmd *c)
{
    if (c->env->vt->stop_requested(c->env) > 0)
        return true;
    return c->out->gone && c->out->gone(c->out->ctx);
}

static int exit_code(const cu_err *err)
{
    switch (err->code) {
    case CU_USAGE:
    case CU_SQL:
    case CU_UNSUPPORTED:
        return 2;
    case CU_NETWORK:
    case CU_TIMEOUT:
        return 4;
    case CU_BUSY:
    case CU_EXISTS:
        return 3;
    case CU_STOPPED:
        return 130;
    default:
        return 1;
    }
}

int cu_tell(cu_cmd *c, const cu_err *err)
{
    char state[6];
    if (c->o.log_json && c->app == NULL)
        cu_diag_err(err);
    else if (err->sqlstate)
        cu_say(c->out, "error: %s [%s]\n", err->msg,
               cu_sqlstate_text(err->sqlstate, state));
    else
        cu_say(c->out, "error: %s\n", err->msg);
    return exit_code(err);
}

int cu_usage(cu_cmd *c, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    cu_say(c->out, "error: ");
    put(c->out, 2, format, ap);
    va_end(ap);
    if (c->command)
        cu_say(c->out, "\ntry: cupel help %s\n", c->command->name);
    else
        cu_say(c->out, "\ntry: cupel help\n");
    return 2;
}
