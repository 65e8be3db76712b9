/* Diag: one line per call, composed first and written by one write(), so
 * that lines of several threads never mix.  There is no time stamp on
 * purpose: journald and docker add one, and simulated runs stay equal. */
#include "base/diag.h"

#include "base/alloc.h"
#include "base/bytes.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    cu_diag_sink *sink;
    void *ctx;
    bool json, color;
    cu_diag_level most;
} voice = {.lock = PTHREAD_MUTEX_INITIALIZER, .most = CU_DIAG_INFO};

static const struct {
    const char *name, *prefix, *color;
} levels[] = {
    [CU_DIAG_ERROR] = {"error", "error: ", "\033[31m"},
    [CU_DIAG_WARN] = {"warning", "warning: ", "\033[33m"},
    [CU_DIAG_INFO] = {"info", "", ""},
    [CU_DIAG_DEBUG] = {"debug", "debug: ", "\033[2m"},
};

void cu_diag_to(cu_diag_sink *sink, void *ctx)
{
    pthread_mutex_lock(&voice.lock);
    voice.sink = sink;
    voice.ctx = ctx;
    pthread_mutex_unlock(&voice.lock);
}

void cu_diag_format(bool json, cu_diag_level most, bool color)
{
    pthread_mutex_lock(&voice.lock);
    voice.json = json;
    voice.most = most;
    voice.color = color;
    pthread_mutex_unlock(&voice.lock);
}

/* A JSON string. Bytes that are not UTF-8 become U+FFFD. */
static void put_json(cu_buf *out, const char *text)
{
    cu_slice s = cu_slice_of(text);
    cu_buf_put_u8(out, '"');
    for (size_t i = 0; i < s.len;) {
        size_t run = cu_utf8_valid_prefix(cu_slice_n(s.data + i, s.len - i));
        for (size_t end = i + run; i < end; i++) {
            unsigned char c = (unsigned char)s.data[i];
            if (c == '"' || c == '\\')
                cu_buf_printf(out, "\\%c", c);
            else if (c == '\n')
                cu_buf_put_str(out, "\\n");
            else if (c < 0x20)
                cu_buf_printf(out, "\\u%04x", c);
            else
                cu_buf_put_u8(out, c);
        }
        if (i < s.len) {
            cu_buf_put_str(out, "\xef\xbf\xbd");
            i++;
        }
    }
    cu_buf_put_u8(out, '"');
}

static void write_all(const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, p, len);
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
}

static void emit(cu_diag_level level, const char *msg, const cu_err *err)
{
    pthread_mutex_lock(&voice.lock);
    cu_diag_sink *sink = voice.sink;
    void *ctx = voice.ctx;
    bool json = voice.json, color = voice.color && !sink;
    bool shown = level <= voice.most;
    pthread_mutex_unlock(&voice.lock);
    if (!shown)
        return;

    cu_buf line = {0};
    char state[6];
    if (json) {
        cu_buf_printf(&line, "{\"level\":\"%s\",", levels[level].name);
        if (err)
            cu_buf_printf(&line, "\"code\":\"%s\",", cu_code_name(err->code));
        if (err && err->sqlstate)
            cu_buf_printf(&line, "\"sqlstate\":\"%s\",",
                          cu_sqlstate_text(err->sqlstate, state));
        cu_buf_put_str(&line, "\"message\":");
        put_json(&line, msg);
        cu_buf_put_u8(&line, '}');
    } else {
        bool paint = color && levels[level].color[0];
        if (paint)
            cu_buf_put_str(&line, levels[level].color);
        cu_buf_put_str(&line, levels[level].prefix);
        if (paint)
            cu_buf_put_str(&line, "\033[0m");
        cu_buf_put_str(&line, msg);
        if (err && err->sqlstate)
            cu_buf_printf(&line, " (SQLSTATE %s)",
                          cu_sqlstate_text(err->sqlstate, state));
    }

    if (sink) {
        cu_buf_put_u8(&line, 0);
        sink(ctx, level, line.data);
    } else {
        cu_buf_put_u8(&line, '\n');
        write_all(line.data, line.len);
    }
    cu_buf_free(&line);
}

void cu_diag(cu_diag_level level, const char *format, ...)
{
    char small[512] = "";
    va_list ap;
    va_start(ap, format);
    int len = vsnprintf(small, sizeof(small), format, ap);
    va_end(ap);
    if (len < (int)sizeof(small)) {
        emit(level, small, NULL);
        return;
    }
    char *big = cu_alloc((size_t)len + 1);
    va_start(ap, format);
    vsnprintf(big, (size_t)len + 1, format, ap);
    va_end(ap);
    emit(level, big, NULL);
    cu_free(big);
}

void cu_diag_err(const cu_err *err)
{
    emit(CU_DIAG_ERROR, err->msg, err);
}
