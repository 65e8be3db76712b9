/* Random inputs, from one seed.
 *
 *   t   append      times go up with the records, but not strictly
 *   u   upsert      the last record of a key is its row
 *   s   snapshot    rows from a begin to an end record
 *   d   changelog   Debezium's envelopes
 *
 * Values are small, so that groups collide, counts go up and down, and NULLs
 * and duplicates happen all the time.
 */
#include "base/alloc.h"
#include "rows/numeric.h"
#include "rows/text.h"
#include "tests/simulation/gen.h"

enum { DELAY_S = 10, AHEAD_S = 25, MOST_KEYS = 12 };

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

static cu_value time_value(int64_t us)
{
    return (cu_value){.type = CU_TYPE(CU_T_TIMESTAMP), .i8 = us};
}

static const char *number_or_null(cu_arena *a, const cu_value *v)
{
    if (v->null)
        return "null";
    return cu_arena_printf(a, "%lld",
                           v->type.kind == CU_T_INT4 ? (long long)v->i4
                                                     : (long long)v->i8);
}

static const char *time_text(cu_arena *a, const cu_value *v)
{
    cu_buf b = {0};
    cu_timestamp_out(v->i8, &b);
    char *text = cu_arena_strn(a, b.data, b.len);
    cu_buf_free(&b);
    return text;
}

static sim_record *add_record(sim_case *c, sim_table table)
{
    if (c->n_records == c->cap_records) {
        c->cap_records = c->cap_records ? 2 * c->cap_records : 64;
        sim_record *more = cu_arena_calloc(c->arena, c->cap_records,
                                           sizeof(*more));
        if (c->n_records)
            memcpy(more, c->records, c->n_records * sizeof(*more));
        c->records = more;
    }
    sim_record *rec = &c->records[c->n_records++];
    rec->table = table;
    return rec;
}

/* --- t -------------------------------------------------------------------- */

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
    int64_t s = 2 * (int64_t)i + sim_below(r, c->ordered ? DELAY_S : AHEAD_S);
    if (c->late && sim_chance(r, 15))
        s -= DELAY_S + sim_below(r, 60);
    return time_value(SIM_ROWS_US + s * 1000000);
}

static int32_t home_of(const sim_case *c, sim_rng *r, const cu_value *row)
{
    if (c->home == SIM_ANYWHERE)
        return (int32_t)sim_below(r, (uint32_t)c->partitions);
    const cu_value *v = &row[c->home == SIM_BY_ID ? 0 : 1];
    return cu_partition_of(cu_slice_of(number_or_null(c->arena, v)),
                           c->partitions);
}

static void spoil(sim_rng *r, sim_record *rec)
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
}

static void put_t(sim_case *c, sim_rng *r)
{
    cu_arena *a = c->arena;
    uint32_t at = c->n_records;
    sim_record *rec = add_record(c, SIM_T);
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
    row[6] = time_of(c, r, at);
    cu_buf n = {0};
    cu_numeric_out(&row[4].num, &n);
    rec->value = cu_arena_printf(
        a,
        "{\"id\":%lld,\"g\":%s,\"v\":%s,\"s\":\"%s\",\"n\":%.*s,"
        "\"tags\":%s,\"ts\":\"%s\"}",
        (long long)row[0].i8, number_or_null(a, &row[1]),
        number_or_null(a, &row[2]), s, (int)n.len, n.data, tags,
        time_text(a, &row[6]));
    cu_buf_free(&n);
    rec->row = row;
    rec->partition = home_of(c, r, row);
    if (sim_chance(r, 6))
        spoil(r, rec);
}

/* --- rows that are replaced ----------------------------------------------- */

/* id, g, v, at: mostly later than before, sometimes the same, sometimes
 * earlier, sometimes before the clock began. */
static cu_value *replaced_row(sim_case *c, sim_rng *r, uint32_t id)
{
    cu_value *row = cu_arena_calloc(c->arena, 4, sizeof(*row));
    int64_t at = 2 * (int64_t)c->n_records + sim_below(r, 20);
    if (sim_chance(r, 30))
        at = 10 * (int64_t)sim_below(r, 20);
    row[0] = int8_value(id);
    row[1] = sim_chance(r, 10) ? null_value(CU_T_INT4)
                               : int4_value((int32_t)sim_below(r, 4));
    row[2] = int8_value(sim_below(r, 6));
    row[3] = time_value((sim_chance(r, 20) ? SIM_PAST_US : SIM_ROWS_US) +
                        at * 1000000);
    return row;
}

static const char *members(sim_case *c, const cu_value *row)
{
    cu_arena *a = c->arena;
    return cu_arena_printf(a, "\"g\":%s,\"v\":%lld,\"at\":\"%s\"",
                           number_or_null(a, &row[1]), (long long)row[2].i8,
                           time_text(a, &row[3]));
}

static void put_u(sim_case *c, sim_rng *r)
{
    cu_value *row = replaced_row(c, r, sim_below(r, MOST_KEYS));
    sim_record *rec = add_record(c, SIM_U);
    rec->row = row;
    rec->key = cu_arena_printf(c->arena, "{\"id\":%lld}", (long long)row[0].i8);
    rec->partition = cu_partition_of(cu_slice_of(rec->key), c->partitions);
    rec->gone = sim_chance(r, 20);
    if (!rec->gone)
        rec->value = cu_arena_printf(c->arena, "{%s}", members(c, row));
}

static void put_d(sim_case *c, sim_rng *r)
{
    static const char *const ops[] = {"c", "u", "r"};
    cu_arena *a = c->arena;
    cu_value *row = replaced_row(c, r, sim_below(r, MOST_KEYS));
    sim_record *rec = add_record(c, SIM_D);
    const char *text = cu_arena_printf(a, "{\"id\":%lld,%s}",
                                       (long long)row[0].i8, members(c, row));
    rec->row = row;
    rec->gone = sim_chance(r, 20);
    rec->value = cu_arena_printf(
        a, "{\"op\":\"%s\",\"before\":%s,\"after\":%s}",
        rec->gone ? "d" : ops[sim_below(r, 3)], rec->gone ? text : "null",
        rec->gone ? "null" : text);
    const char *id = number_or_null(a, &row[0]);
    rec->partition = cu_partition_of(cu_slice_of(id), c->partitions);
}

/* The next record of the snapshots: begin, rows, end. */
static void put_s(sim_case *c, sim_rng *r, uint32_t *left)
{
    if (*left == 0) {
        add_record(c, SIM_S)->snapshot = "begin";
        *left = 2 + sim_below(r, MOST_KEYS);
        return;
    }
    if (--*left == 0) {
        add_record(c, SIM_S)->snapshot = "end";
        return;
    }
    cu_value *row = replaced_row(c, r, sim_below(r, MOST_KEYS));
    sim_record *rec = add_record(c, SIM_S);
    rec->row = row;
    rec->value = cu_arena_printf(c->arena, "{\"id\":%lld,%s}",
                                 (long long)row[0].i8, members(c, row));
    /* Not the only row: an empty snapshot would be another fault. */
    if (*left > 1 && c->records[c->n_records - 2].row && sim_chance(r, 2))
        spoil(r, rec);
}

void sim_put_rows(sim_case *c, sim_rng *r)
{
    uint32_t n = 20 + sim_below(r, 300), left = 0;
    for (uint32_t k = 0; k < c->n_phases; k++) {
        uint32_t end = n * (k + 1) / c->n_phases;
        uint32_t of_t = c->n_phases == 1 ? 55 : k == 1 ? 100 : 0;
        while (c->n_records < end) {
            uint32_t other = sim_below(r, 100);
            if (sim_chance(r, of_t))
                put_t(c, r);
            else if (other < 45)
                put_u(c, r);
            else if (other < 75)
                put_s(c, r, &left);
            else
                put_d(c, r);
        }
        c->phase_end[k] = c->n_records;
    }
}
