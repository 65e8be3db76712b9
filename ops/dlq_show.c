/* One dead letter: as lines for people, as one JSON object for programs. */
#include "ops/topics.h"

#include "rows/json.h"

void cu_letter_json(const cu_record *r, int64_t number, cu_buf *b)
{
    char part[300];
    cu_buf_printf(b, "{\"n\":%lld,\"letter\":", (long long)number);
    cu_json_put_string(b,
                       cu_slice_of(cu_part_name(r->part, part, sizeof(part))));
    cu_buf_printf(b, ",\"offset\":%lld,\"timestamp\":\"", (long long)r->offset);
    cu_put_time_ms(r->timestamp_ms, b);
    cu_buf_put_str(b, "\",\"headers\":");
    cu_put_json_headers(r, b);
    cu_buf_put_str(b, ",\"key\":");
    cu_put_json_bytes(r->key, b);
    cu_buf_put_str(b, ",\"value\":");
    cu_put_json_bytes(r->value, b);
    cu_buf_put_u8(b, '}');
}

static void put_line(cu_buf *b, const char *name, cu_slice value)
{
    cu_buf_printf(b, "%-10s", name);
    cu_put_escaped(value, b);
    cu_buf_put_u8(b, '\n');
}

static bool own_header(cu_slice name)
{
    static const char *const prefixes[] = {"cupel.error.", "__streams.errors."};
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(prefixes[i]);
        if (name.len > n && memcmp(name.data, prefixes[i], n) == 0)
            return true;
    }
    return false;
}

static void put_reason(const cu_record *r, cu_buf *b)
{
    static const struct {
        const char *name, *header;
    } lines[] = {
        {"code", "cupel.error.code"},       {"message", "cupel.error.message"},
        {"stage", "cupel.error.stage"},     {"table", "cupel.error.table"},
        {"view", "cupel.error.view"},       {"column", "cupel.error.column"},
        {"cut to", "cupel.error.truncated"}};
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        cu_slice v = cu_record_header(r, lines[i].header);
        if (v.data)
            put_line(b, lines[i].name, v);
    }
    cu_slice all = cu_record_header(r, "cupel.error.all");
    for (const char *p = all.data; all.data && p < all.data + all.len;) {
        size_t left = (size_t)(all.data + all.len - p);
        const char *nl = memchr(p, '\n', left);
        size_t len = nl ? (size_t)(nl - p) : left;
        put_line(b, "fault", cu_slice_n(p, len));
        p += len + 1;
    }
    cu_slice topic = cu_record_header(r, "__streams.errors.topic");
    cu_slice part = cu_record_header(r, "__streams.errors.partition");
    cu_slice offset = cu_record_header(r, "__streams.errors.offset");
    if (topic.data)
        cu_buf_printf(b, "%-10s%.*s[%.*s] offset %.*s\n", "from",
                      (int)topic.len, topic.data, (int)part.len,
                      part.data ? part.data : "", (int)offset.len,
                      offset.data ? offset.data : "");
}

void cu_letter_text(const cu_record *r, int64_t number, cu_buf *b)
{
    char part[300];
    cu_buf_printf(b, "%-10s%lld, %s offset %lld, ", "letter", (long long)number,
                  cu_part_name(r->part, part, sizeof(part)),
                  (long long)r->offset);
    cu_put_time_ms(r->timestamp_ms, b);
    cu_buf_put_u8(b, '\n');
    put_reason(r, b);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        if (own_header(r->headers[i].name))
            continue;
        cu_buf_printf(b, "%-10s", "header");
        cu_put_escaped(r->headers[i].name, b);
        cu_buf_put_str(b, "=");
        cu_put_escaped(r->headers[i].value, b);
        cu_buf_put_u8(b, '\n');
    }
    put_line(b, "key", r->key);
    put_line(b, "value", r->value);
}
