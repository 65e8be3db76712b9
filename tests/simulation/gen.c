/* Random inputs, from one seed.
 *
 * Values are small, so that groups collide, counts go up and down, and NULLs
 * and duplicates happen all the time.  Times of t go up with the records, but
 * not strictly: some rows are behind their partition's watermark.
 */
#include "tests/simulation/gen.h"

#include "rows/numeric.h"
#include "rows/text.h"

enum { DELAY_S = 10, AHEAD_S = 25 };

uint64_t sim_next(sim_rng *r)
{
    uint64_t z = (r->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint32_t sim_below(sim_rng *r, uint32_t n)
{
    return (uint32_t)(sim_next(r) % n);
}

bool sim_chance(sim_rng *r, uint32_t per_cent)
{
    return sim_below(r, 100) < per_cent;
}

/* --- records ----------------------------------------------------------------
 */

static cu_value int8_value(int64_t v)
{
    return (cu_value){.type = CU_TYPE(CU_T_INT8), .i8 = v};
}

static cu_value int4_value(int32_t v)
{
    return (cu_value){.type = CU_TYPE(CU_T_INT4), .i4 = v};
}

static cu_value null_value(unsigned kind)
{
    return (cu_value){.type = CU_TYPE((uint8_t)kind), .null = true};
}

static const char *number_or_null(cu_arena *a, const cu_value *v)
{
    if (v->null)
        return "null";
    return cu_arena_printf(a, "%lld",
                           v->type.kind == CU_T_INT4 ? (long long)v->i4
                                                     : (long long)v->i8);
}

static const char *tags_text(sim_rng *r, cu_arena *a)
{
    uint32_t n = sim_below(r, 4);
    cu_buf b = {0};
    cu_buf_put_str(&b, "[");
    for (uint32_t i = 0; i < n; i++)
        cu_buf_printf(&b, "%s%u", i ? "," : "", sim_below(r, 3));
    cu_buf_put_str(&b, "]");
    char *text = cu_arena_strn(a, b.data, b.len);
    cu_buf_free(&b);
    return text;
}

/* Two seconds a record, out of order: ahead by more than the watermark waits,
 * and where rows may be late, now and then much earlier. */
static cu_value time_of(const sim_case *c, sim_rng *r, uint32_t i)
{
    int64_t s = 2 * (int64_t)i + sim_below(r, AHEAD_S);
    if (c->late && sim_chance(r, 15))
        s -= DELAY_S + sim_below(r, 60);
    return (cu_value){.type = CU_TYPE(CU_T_TIMESTAMP),
                      .i8 = SIM_EPOCH_US + s * 1000000};
}

static void append_record(sim_case *c, sim_rng *r, sim_record *rec)
{
    cu_arena *a = c->arena;
    cu_value *row = cu_arena_calloc(a, 7, sizeof(*row));
    row[0] = int8_value(sim_below(r, 40));
    row[1] = sim_chance(r, 10) ? null_value(CU_T_INT4)
                               : int4_value((int32_t)sim_below(r, 5));
    row[2] = sim_chance(r, 10) ? null_value(CU_T_INT8)
                               : int8_value(sim_below(r, 8));
    const char *s = sim_chance(r, 50) ? "x" : "y\xc3\xa9";
    row[3] = (cu_value){.type = CU_TYPE(CU_T_TEXT), .s = cu_slice_of(s)};
    row[4] = (cu_value){.type = CU_TYPE(CU_T_NUMERIC),
                        .num = cu_numeric_from_int128(sim_below(r, 300), 2)};
    const char *tags = tags_text(r, a);
    row[5] = (cu_value){.type = CU_TYPE(CU_T_JSONB), .s = cu_slice_of(tags)};
    row[6] = time_of(c, r, (uint32_t)(rec - c->records));
    cu_buf n = {0}, ts = {0};
    cu_numeric_out(&row[4].num, &n);
    cu_timestamp_out(row[6].i8, &ts);
    rec->value = cu_arena_printf(
        a,
        "{\"id\":%lld,\"g\":%s,\"v\":%s,\"s\":\"%s\",\"n\":%.*s,"
        "\"tags\":%s,\"ts\":\"%.*s\"}",
        (long long)row[0].i8, number_or_null(a, &row[1]),
        number_or_null(a, &row[2]), s, (int)n.len, n.data, tags, (int)ts.len,
        ts.data);
    cu_buf_free(&n);
    cu_buf_free(&ts);
    rec->row = row;
    rec->partition = (int32_t)sim_below(r, (uint32_t)c->partitions);
}

static void spoil(sim_case *c, sim_rng *r, sim_record *rec)
{
    static const char *const bad[] = {
        "{\"id\":1,\"g\":",
        "{\"id\":null,\"g\":1}",
        "{\"id\":\"abc\",\"g\":1,\"v\":1}",
        "{\"id\":1,\"g\":99999999999,\"v\":1}",
        "{\"id\":1,\"g\":1,\"v\":5000}",
        "not json at all",
        "{\"id\":1,\"s\":\"\xff\xfe\"}",
        "[1,2,3]",
    };
    rec->value = bad[sim_below(r, sizeof(bad) / sizeof(*bad))];
    rec->bad = true;
    rec->row = NULL;
    c->n_bad++;
}

static void upsert_record(sim_case *c, sim_rng *r, sim_record *rec)
{
    cu_arena *a = c->arena;
    cu_value *row = cu_arena_calloc(a, 3, sizeof(*row));
    row[0] = int8_value(sim_below(r, 12));
    row[1] = sim_chance(r, 10) ? null_value(CU_T_INT4)
                               : int4_value((int32_t)sim_below(r, 4));
    row[2] = int8_value(sim_below(r, 6));
    rec->table = 1;
    rec->row = row;
    rec->key = cu_arena_printf(a, "{\"id\":%lld}", (long long)row[0].i8);
    rec->partition = cu_partition_of(cu_slice_of(rec->key), c->partitions);
    rec->gone = sim_chance(r, 20);
    if (!rec->gone)
        rec->value = cu_arena_printf(a, "{\"g\":%s,\"v\":%lld}",
                                     number_or_null(a, &row[1]),
                                     (long long)row[2].i8);
}

sim_case *sim_case_new(uint64_t seed)
{
    cu_arena *a = cu_arena_new(0);
    sim_case *c = cu_arena_calloc(a, 1, sizeof(*c));
    sim_rng r = {seed};
    c->arena = a;
    c->seed = seed;
    c->partitions = 1 + (int32_t)sim_below(&r, 4);
    c->late = sim_chance(&r, 60);
    sim_put_sql(c, &r);
    c->n_records = 20 + sim_below(&r, 300);
    c->records = cu_arena_calloc(a, c->n_records, sizeof(*c->records));
    for (uint32_t i = 0; i < c->n_records; i++) {
        sim_record *rec = &c->records[i];
        if (sim_chance(&r, 40)) {
            upsert_record(c, &r, rec);
        } else {
            append_record(c, &r, rec);
            if (sim_chance(&r, 6))
                spoil(c, &r, rec);
        }
    }
    return c;
}

void sim_case_free(sim_case *c)
{
    cu_arena_free(c->arena);
}
