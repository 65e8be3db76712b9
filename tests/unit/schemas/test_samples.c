/* The seeds' files, framed and decoded. */
#include "tests/unit/schemas/decode.h"

typedef struct tally {
    unsigned rows, refused, faults;
} tally;

/* Frames the file, gives each record to the table. */
static tally read_all(table *t, cu_framing framing, cu_slice file)
{
    tally sum = {0};
    cu_framer *f = cu_framer_new(framing, false, 0, 1, 16 << 20);
    cu_frame frame;
    for (size_t at = 0; at < file.len; at += 1000) {
        size_t n = file.len - at < 1000 ? file.len - at : 1000;
        cu_framer_feed(f, cu_slice_n(file.data + at, n), at + n == file.len);
        while (cu_framer_next(f, &frame)) {
            t->in.n_headers = 0;
            cu_slice header = cu_framer_header(f);
            if (header.data)
                table_header(t, "cupel.header",
                             cu_arena_strn(t->a, header.data, header.len));
            table_take(t, frame.bytes.data, frame.bytes.len);
            sum.rows += t->batch->n_rows;
            sum.refused += t->faults.n > 0;
            sum.faults += t->faults.n;
        }
    }
    cu_framer_free(f);
    return sum;
}

static tally read_sample(const char *columns, cu_format format,
                         cu_framing framing, const char *name, table **keep,
                         const char *prefix)
{
    tally none = {0};
    cu_slice file;
    table *t = table_new(columns);
    *keep = t;
    if (!sample(t->a, name, &file))
        return none;
    t->spec.format = format;
    for (uint32_t i = 0; prefix && i < t->spec.n_cols; i++)
        t->cols[i].path = cu_arena_printf(t->a, "$[\"%s.%s\"]", prefix,
                                          t->cols[i].name);
    return read_all(t, framing, file);
}

#define SKIP_WITHOUT(t, name)               \
    do {                                    \
        if (!sample_path((t)->a, name)) {   \
            table_free(t);                  \
            cr_skip_test("no sample data"); \
        }                                   \
    } while (0)

Test(samples, weather_drops_nulls_and_the_bare_nan)
{
    table *t;
    tally s = read_sample("date_time:timestamptz not null city:text not null "
                          "currently_apparenttemperature:float8 not null "
                          "currently_precipprobability:float8 not null "
                          "currently_preciptype:text",
                          CU_FORMAT_JSON, CU_FRAME_JSON,
                          "tier-tracks-weather/weather.sample.json", &t,
                          "weather_data");
    SKIP_WITHOUT(t, "tier-tracks-weather/weather.sample.json");
    cr_expect_eq(s.rows, 2);
    cr_expect_eq(s.refused, 5);
    cr_expect_eq(s.faults, 5);
    table_free(t);
}

Test(samples, tracks)
{
    table *t;
    tally s = read_sample("original_timestamp_time:timestamptz not null "
                          "event_name:text not null context_device_id:uuid",
                          CU_FORMAT_JSON, CU_FRAME_JSON,
                          "tier-tracks-weather/track_events.sample.json", &t,
                          "segment_tracks");
    SKIP_WITHOUT(t, "tier-tracks-weather/track_events.sample.json");
    cr_expect_eq(s.rows, 3);
    cr_expect_eq(s.refused, 0);
    table_free(t);
}

Test(samples, books_and_movies)
{
    static const struct {
        const char *name, *columns;
        cu_format format;
        unsigned rows;
    } files[] = {
        {"books-movies/movies.csv",
         "title:text not null duration_mins:int not null "
         "original_language:text not null size_mb:bigint not null",
         CU_FORMAT_CSV, 91},
        {"books-movies/streams.csv",
         "movie_title:text not null user_email:text not null "
         "size_mb:float8 not null start_at:timestamptz not null "
         "end_at:timestamptz not null",
         CU_FORMAT_CSV, 9652},
        {"books-movies/users.csv",
         "first_name:text not null last_name:text not null email:text not null",
         CU_FORMAT_CSV, 783},
        {"books-movies/authors.json",
         "metadata:jsonb nationalities:jsonb not null", CU_FORMAT_JSON, 201},
        {"books-movies/books.json",
         "name:text not null pages:int not null author:text not null "
         "publisher:text not null",
         CU_FORMAT_JSON, 103},
        {"books-movies/reviews.json",
         "content:jsonb not null rating:jsonb not null books:jsonb not null "
         "movies:jsonb not null updated:timestamptz created:timestamptz",
         CU_FORMAT_JSON, 501},
    };
    for (size_t i = 0; i < 6; i++) {
        table *t;
        tally s = read_sample(files[i].columns, files[i].format,
                              files[i].format == CU_FORMAT_CSV ? CU_FRAME_CSV
                                                               : CU_FRAME_JSON,
                              files[i].name, &t, NULL);
        SKIP_WITHOUT(t, files[i].name);
        cr_expect_eq(s.rows, files[i].rows, "%s: %u", files[i].name, s.rows);
        cr_expect_eq(s.refused, 0, "%s: %s", files[i].name, t->out.data);
        table_free(t);
    }
}

Test(samples, purchases_and_open_library)
{
    table *t;
    tally s = read_sample("PurchaseID:bigint not null product:int not null "
                          "user:bigint not null date:date not null",
                          CU_FORMAT_CSV, CU_FRAME_CSV,
                          "purchases-scd2/snapshot_day2.csv", &t, NULL);
    SKIP_WITHOUT(t, "purchases-scd2/snapshot_day2.csv");
    cr_expect_eq(s.rows, 4);
    cr_expect_eq(s.refused, 0);
    table_free(t);
    s = read_sample(
        "book_id:int not null key:text not null title:text not null "
        "created_datetime:timestamp not null",
        CU_FORMAT_CSV, CU_FRAME_CSV,
        "open-library/fantasy_books_2024-09-17.csv", &t, NULL);
    cr_expect_eq(s.rows, 12);
    cr_expect_eq(s.refused, 0, "%s", t->out.data);
    table_free(t);
}

Test(samples, a_page_of_open_library_is_one_jsonb)
{
    cu_slice file;
    table *t = table_new("body:jsonb not null n:bigint not null");
    SKIP_WITHOUT(t, "open-library/subjects_science_fiction_limit12.json");
    cr_assert(sample(t->a, "open-library/subjects_science_fiction_limit12.json",
                     &file));
    table_col(t, "body")->path = "$";
    table_col(t, "n")->path = "$.work_count";
    table_take(t, file.data, file.len);
    cr_assert_eq(t->batch->n_rows, 1);
    cr_expect_eq(CU_COL(&t->batch->cols[1], int64_t)[0], 19353);
    table_free(t);
}
