/* Framing: lines, JSON in all wrappings, CSV; cuts change nothing. */
#include "tests/unit/schemas/decode.h"

/* How the bytes are fed and what the framer is told. */
typedef struct how {
    cu_framing framing;
    bool headerless;
    size_t max_bytes;
    dice *cuts; /* NULL: in one piece */
} how;

/* "offset/line|bytes\n" per record, then "@position/line"; every record's
 * bytes are compared with the source unless it was cut. */
static void run(const how *h, cu_slice source, int64_t from, int64_t line,
                cu_buf *out)
{
    cu_framer *f = cu_framer_new(h->framing, h->headerless, from, line,
                                 h->max_bytes ? h->max_bytes : 1 << 20);
    size_t at = (size_t)from;
    bool end = false;
    cu_frame frame;
    while (!end) {
        size_t left = source.len - at, n = left;
        if (h->cuts && left)
            n = roll(h->cuts, (uint32_t)(left < 9 ? left + 1 : 9));
        end = at + n == source.len && (!h->cuts || roll(h->cuts, 3));
        cu_framer_feed(f, cu_slice_n(source.data + at, n), end);
        at += n;
        while (cu_framer_next(f, &frame)) {
            cr_assert(frame.offset + (int64_t)frame.bytes.len <=
                      (int64_t)source.len);
            cr_assert(!memcmp(frame.bytes.data, source.data + frame.offset,
                              frame.bytes.len));
            cu_buf_printf(out, "%d/%d|", (int)frame.offset, (int)frame.line);
            cu_buf_put_slice(out, frame.bytes);
            cu_buf_put_str(out, "\n");
        }
    }
    cu_buf_printf(out, "@%d/%d", (int)cu_framer_position(f),
                  (int)cu_framer_line(f));
    cu_slice header = cu_framer_header(f);
    if (header.data)
        cu_buf_printf(out, " header %.*s", (int)header.len, header.data);
    cu_framer_free(f);
}

/* In one piece it gives `want`; in twenty random cuttings the same. */
static void frames_of(how h, const char *text, size_t len, const char *want)
{
    cu_slice source = cu_slice_n(text, len);
    cu_buf out = {0};
    run(&h, source, 0, 1, &out);
    cu_buf_put_u8(&out, 0);
    cr_expect(!strcmp(out.data, want), "of\n%s\ngot\n%s\nexpected\n%s", text,
              out.data, want);
    dice d = {len + 1};
    h.cuts = &d;
    for (int i = 0; i < 20; i++) {
        cu_buf again = {0};
        run(&h, source, 0, 1, &again);
        cu_buf_put_u8(&again, 0);
        cr_expect(!strcmp(again.data, out.data), "of\n%s\ncut\n%s\nwhole\n%s",
                  text, again.data, out.data);
        cu_buf_free(&again);
    }
    cu_buf_free(&out);
}

static void json(const char *text, const char *want)
{
    frames_of((how){.framing = CU_FRAME_JSON}, text, strlen(text), want);
}
static void lines(const char *text, const char *want)
{
    frames_of((how){.framing = CU_FRAME_LINES}, text, strlen(text), want);
}
static void csv(const char *text, const char *want)
{
    frames_of((how){.framing = CU_FRAME_CSV}, text, strlen(text), want);
}

Test(frame, lines)
{
    lines("a\nb\r\n\nc", "0/1|a\n2/2|b\n5/3|\n6/4|c\n@7/4");
    lines("", "@0/1");
    lines("\xEF\xBB\xBFx\n", "3/1|x\n@5/2");
    lines("\xEF\xBB", "0/1|\xEF\xBB\n@2/1");
    frames_of((how){.framing = CU_FRAME_LINES, .max_bytes = 3},
              "abcdef\r\ngh\n", 11, "0/1|abc\n8/2|gh\n@11/3");
}

Test(frame, whole)
{
    how h = {.framing = CU_FRAME_WHOLE};
    frames_of(h, "a\nb", 3, "0/1|a\nb\n@3/2");
    frames_of(h, "", 0, "@0/1");
    h.max_bytes = 2;
    frames_of(h, "abcd", 4, "0/1|ab\n@4/1");
}

Test(frame, json_lines)
{
    json("{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}",
         "0/1|{\"a\":1}\n8/2|{\"a\":2}\n18/4|{\"a\":3}\n@25/4");
    json("\xEF\xBB\xBF{}\n", "3/1|{}\n@5/1");
    json("{\"a\":1}{\"a\":2} {\"a\":3}",
         "0/1|{\"a\":1}\n7/1|{\"a\":2}\n15/1|{\"a\":3}\n@22/1");
    json("{\"a\":\"}\\\"{\"}\n{}", "0/1|{\"a\":\"}\\\"{\"}\n13/2|{}\n@15/2");
    json("", "@0/1");
    json(" \n\t\n", "@0/1");
}

Test(frame, json_arrays)
{
    json("[{\"a\":1},{\"a\":[2]}]", "1/1|{\"a\":1}\n9/1|{\"a\":[2]}\n@18/1");
    json("[]", "@0/1");
    json("[\n]\n", "@0/1");
    json("[\n  {\n    \"a\": {\"b\": 1}\n  },\n  {\n    \"a\": 2\n  }\n]\n",
         "4/2|{\n    \"a\": {\"b\": 1}\n  }\n31/5|{\n    \"a\": 2\n  }\n@47/7");
    json("[ {\n  \"a\" : 1\n}, {\n  \"a\" : 2\n} ]",
         "2/1|{\n  \"a\" : 1\n}\n17/3|{\n  \"a\" : 2\n}\n@31/5");
}

Test(frame, the_broken_array_framing_of_the_seeds)
{
    json("[{\"a\":1},\n{\"a\":2},\n{\"a\":3},\n",
         "1/1|{\"a\":1}\n10/2|{\"a\":2}\n19/3|{\"a\":3}\n@26/3");
    json("[{\"a\":1},\n{\"a\":NaN},\n{\"a\":3}\n]\n",
         "1/1|{\"a\":1}\n10/2|{\"a\":NaN}\n21/3|{\"a\":3}\n@28/3");
    json("[{\"a\":1},\n]", "1/1|{\"a\":1}\n@8/1");
}

Test(frame, what_is_no_object_is_a_record_of_its_line)
{
    json("{\"a\":1}\nNaN\n{\"a\":2}\n",
         "0/1|{\"a\":1}\n8/2|NaN\n12/3|{\"a\":2}\n@19/3");
    json("[\nNaN,\nnull,\n{}\n]", "2/2|NaN\n7/3|null\n13/4|{}\n@15/4");
    json("hello, world\n{}", "0/1|hello, world\n13/2|{}\n@15/2");
    json("NaN, {\"a\":1}\n", "0/1|NaN\n5/1|{\"a\":1}\n@12/1");
    json("[1,2,3]\n[4]\n", "0/1|[1,2,3]\n8/2|[4]\n@11/2");
    json("1 2\n\"x\"\n}\n", "0/1|1 2\n4/2|\"x\"\n8/3|}\n@9/3");
    json("[[1],\n[2]]\n{}", "0/1|[[1],\n[2]]\n11/3|{}\n@13/3");
}

Test(frame, a_broken_line_does_not_take_its_neighbours)
{
    json("{\"a\":\"x}\n{\"a\":2}\n", "0/1|{\"a\":\"x}\n9/2|{\"a\":2}\n@16/2");
    json("{\"a\":1\n{\"a\":2}\n", "0/1|{\"a\":1\n7/2|{\"a\":2}\n@14/2");
    json("{\"a\":1,\n{\"a\":2}\n", "0/1|{\"a\":1\n8/2|{\"a\":2}\n@15/2");
    json("{\"a\":\n{\"a\":2}\n{\"a\":3}\n",
         "0/1|{\"a\":\n6/2|{\"a\":2}\n14/3|{\"a\":3}\n@21/3");
    json("{\"a\":[\n{\"a\":2},\n{\"a\":3}",
         "0/1|{\"a\":[\n7/2|{\"a\":2}\n16/3|{\"a\":3}\n@23/3");
    json("{\"a\":1]\n{\"a\":2}\n", "0/1|{\"a\":1]\n8/2|{\"a\":2}\n@15/2");
    json("{\"a\":1}}\n{\"a\":2}\n", "0/1|{\"a\":1}}\n9/2|{\"a\":2}\n@16/2");
    json("{\"a\":1} x\n{\"a\":2}\n", "0/1|{\"a\":1} x\n10/2|{\"a\":2}\n@17/2");
    json("{\"a\" {\"b\":1}}\n{}", "0/1|{\"a\" {\"b\":1}}\n14/2|{}\n@16/2");
    json("{\"a\":1}\n{\"a\":", "0/1|{\"a\":1}\n8/2|{\"a\":\n@13/2");
    json("[{\"a\":1 2},{\"a\":3}]", "1/1|{\"a\":1 2}\n11/1|{\"a\":3}\n@18/1");
}

Test(frame, a_broken_record_of_several_lines_is_one_record)
{
    json("[\n  {\n    \"a\": \"x,\n    \"b\": {}\n  },\n  {\n    \"a\": 2\n  "
         "}\n]",
         "4/2|{\n    \"a\": \"x,\n    \"b\": {}\n  }\n"
         "38/6|{\n    \"a\": 2\n  }\n@54/8");
    json("[\n  {\n    \"a\": [1,\n  },\n  {\n    \"a\": 2\n  }\n]",
         "4/2|{\n    \"a\": [1,\n  }\n26/5|{\n    \"a\": 2\n  }\n@42/7");
    json("[\n  {\n    \"a\": 1,\n  {\n    \"a\": 2\n  }\n]",
         "4/2|{\n    \"a\": 1\n20/4|{\n    \"a\": 2\n  }\n@36/6");
}

Test(frame, records_that_are_too_large_are_cut)
{
    how h = {.framing = CU_FRAME_JSON, .max_bytes = 10};
    const char *a = "{\"a\":\"123456789\"}\n{\"b\":1}\n";
    frames_of(h, a, strlen(a), "0/1|{\"a\":\"1234\n18/2|{\"b\":1}\n@25/2");
    const char *b = "{\"x\":[\n{\"a\":1},\n{\"a\":2},\n";
    frames_of(h, b, strlen(b),
              "0/1|{\"x\":[\n7/2|{\"a\":1}\n16/3|{\"a\":2}\n@23/3");
    h.framing = CU_FRAME_CSV;
    h.headerless = true;
    const char *c = "1,\"abcdefghijklm\n2,x\n3,y\n";
    frames_of(h, c, strlen(c), "0/1|1,\"abcdefg\n17/2|2,x\n21/3|3,y\n@25/4");
}

Test(frame, csv)
{
    csv("a,b\n1,2\r\n\n\"x\ny\",3\n",
        "4/2|1,2\n10/4|\"x\ny\",3\n@18/6 header a,b");
    csv("\xEF\xBB\xBF"
        "a\n1",
        "5/2|1\n@6/2 header a");
    csv("a,b", "@3/1 header a,b");
    csv("", "@0/1");
    csv("a\n\"\"\n\"x\"\"\n\"\n", "2/2|\"\"\n5/3|\"x\"\"\n\"\n@12/5 header a");
    how h = {.framing = CU_FRAME_CSV, .headerless = true};
    frames_of(h, "1\n2\n", 4, "0/1|1\n2/2|2\n@4/3");
}

Test(frame, a_broken_csv_record_is_its_first_line)
{
    csv("id,name\n1,\"open\n2,ok\n3,ok\n",
        "8/2|1,\"open\n16/3|2,ok\n21/4|3,ok\n@26/5 header id,name");
    csv("id,name\n1,\"open\n2,\"quoted\"\n3,ok\n",
        "8/2|1,\"open\n16/3|2,\"quoted\"\n27/4|3,ok\n@32/5 header id,name");
    csv("a,b\n\"x\"y,1\n2,3\n", "4/2|\"x\"y,1\n11/3|2,3\n@15/4 header a,b");
    csv("a,b\nx\"y,1\n2,3\n", "4/2|x\"y,1\n10/3|2,3\n@14/4 header a,b");
}

Test(frame, csv_with_another_delimiter)
{
    cu_framer *f = cu_framer_new(CU_FRAME_CSV, true, 0, 1, 100);
    cu_frame frame;
    cu_framer_set_delimiter(f, ';');
    cu_framer_feed(f, CU_LIT("1;\"a\nb\"\n2;c\n"), true);
    cr_assert(cu_framer_next(f, &frame));
    cr_expect(cu_slice_is(frame.bytes, "1;\"a\nb\""));
    cr_assert(cu_framer_next(f, &frame));
    cr_expect(cu_slice_is(frame.bytes, "2;c"));
    cr_expect_not(cu_framer_next(f, &frame));
    cu_framer_free(f);
}

Test(frame, a_header_can_be_given_to_read_on)
{
    cu_framer *f = cu_framer_new(CU_FRAME_CSV, false, 8, 3, 100);
    cu_frame frame;
    cu_framer_set_header(f, CU_LIT("a,b"));
    cu_framer_feed(f, CU_LIT("3,4\n"), true);
    cr_assert(cu_framer_next(f, &frame));
    cr_expect_eq(frame.offset, 8);
    cr_expect_eq(frame.line, 3);
    cr_expect(cu_slice_is(cu_framer_header(f), "a,b"));
    cr_expect_eq(cu_framer_position(f), 12);
    cu_framer_free(f);
}

/* Random mixes of pieces, whole and in random cuts. */
static void mix(cu_framing framing, const char *const *pieces, uint32_t n,
                int rounds)
{
    dice d = {(uint64_t)framing + 99};
    for (int i = 0; i < rounds; i++) {
        cu_buf text = {0}, whole = {0};
        for (uint32_t k = roll(&d, 12); k; k--)
            cu_buf_put_str(&text, pieces[roll(&d, n)]);
        for (uint32_t k = roll(&d, 3); k; k--)
            mutate(&d, &text, "{}[]\",:\n x");
        how h = {.framing = framing,
                 .headerless = roll(&d, 2),
                 .max_bytes = roll(&d, 2) ? 12 : 1000};
        run(&h, cu_buf_slice(&text), 0, 1, &whole);
        h.cuts = &d;
        for (int k = 0; k < 3; k++) {
            cu_buf cut = {0};
            run(&h, cu_buf_slice(&text), 0, 1, &cut);
            cr_assert(cu_slice_eq(cu_buf_slice(&cut), cu_buf_slice(&whole)),
                      "of\n%.*s\nmax %zu cut\n%.*s\nwhole\n%.*s", (int)text.len,
                      text.data, h.max_bytes, (int)cut.len, cut.data,
                      (int)whole.len, whole.data);
            cu_buf_free(&cut);
        }
        cu_buf_free(&text);
        cu_buf_free(&whole);
    }
}

Test(frame, cuts_change_nothing)
{
    static const char *const json_pieces[] = {
        "{\"a\":1}",
        "{\"a\":[1,{\"b\":\"x\"}]}",
        "[",
        "]",
        ",",
        "\n",
        "\r\n",
        "  ",
        "{\n  \"a\": 1\n}",
        "NaN",
        "\"",
        "{",
        "}",
        ":",
        "\"a\"",
        "{\"a\":\"x\\\"}",
        "{\"aaaaaaaaaaaaaaaaaaaa\":1}",
    };
    static const char *const csv_pieces[] = {
        "a", ",", "\n", "\r\n", "\"x\"", "\"", "\"\"", "\"a\nb\"", "1,2\n"};
    mix(CU_FRAME_JSON, json_pieces, 17, 2000);
    mix(CU_FRAME_CSV, csv_pieces, 9, 2000);
    mix(CU_FRAME_LINES, csv_pieces, 9, 300);
    mix(CU_FRAME_WHOLE, csv_pieces, 9, 100);
}

/* Reading on from any position that was reported gives the rest. */
Test(frame, reading_on_gives_the_same_records)
{
    static const char text[] =
        "[{\"a\":1},{\"a\":2}, {\"a\":3}\n{\"b\":\n1},\nNaN\n,{\"c\":2} ]\n";
    static const char rows[] = "1,2\n\"a\nb\",3\r\n\n\"x\n4,5\n";
    for (int k = 0; k < 2; k++) {
        how h = {.framing = k ? CU_FRAME_CSV : CU_FRAME_JSON,
                 .headerless = true};
        cu_slice source = cu_slice_of(k ? rows : text);
        cu_buf whole = {0};
        run(&h, source, 0, 1, &whole);
        cu_framer *f = cu_framer_new(h.framing, true, 0, 1, 1000);
        cu_framer_feed(f, source, true);
        cu_frame frame;
        const char *rest = whole.data;
        while (cu_framer_next(f, &frame)) {
            rest = memchr(rest + 4 + frame.bytes.len - 1, '\n',
                          whole.len - (size_t)(rest - whole.data));
            rest++;
            cu_buf tail = {0};
            run(&h, source, cu_framer_position(f), cu_framer_line(f), &tail);
            size_t left = whole.len - (size_t)(rest - whole.data);
            cr_expect(tail.len == left && !memcmp(tail.data, rest, left),
                      "got\n%.*s\nexpected\n%.*s", (int)tail.len, tail.data,
                      (int)left, rest);
            cu_buf_free(&tail);
        }
        cu_framer_free(f);
        cu_buf_free(&whole);
    }
}
