/* simdjson behind plain C types: the only C++ of cupel.
 *
 * Why stage 1 alone.  simdjson's own second stage is either a tree of the
 * whole document (three times slower than needed, and the strings are copied)
 * or `on demand`, which does not look at what is skipped: `tru`, lone
 * surrogates and `01` pass, and a record would be good or bad depending on
 * the columns a table declares.  The walk over the token list is short
 * (json.c), checks everything, borrows from the caller's bytes and needs no
 * padding behind them; stage 1 does the work that wants vector registers:
 *
 *     {"a": "x\"y", "b": 12}
 *     ^^  ^ ^     ^ ^  ^ ^ ^      at[] of 9, at[9] = 22
 *
 * The scalar kernel ("fallback", machines without SSE4.2 or NEON) may look
 * one byte past the end, so that alone gets a padded copy.
 */
#include "schemas/json_simd.h"

#include <simdjson.h>

#include <memory>
#include <new>
#include <string>

namespace
{
constexpr size_t first_capacity = 64 * 1024;
constexpr size_t max_document = size_t(1) << 30;
} // namespace

struct cu_simd {
    const simdjson::implementation *kernel;
    std::string name;
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
    std::unique_ptr<uint8_t[]> padded; /* fallback kernel only */
    size_t capacity;
    bool pads;
};

static bool resize(cu_simd *s, size_t capacity)
{
    if (s->parser->set_capacity(capacity) != simdjson::SUCCESS) {
        s->capacity = 0;
        return false;
    }
    if (s->pads) {
        s->padded.reset(new (std::nothrow)
                            uint8_t[capacity + simdjson::SIMDJSON_PADDING]());
        if (!s->padded)
            return false;
    }
    s->capacity = capacity;
    return true;
}

cu_simd *cu_simd_new(void)
{
    std::unique_ptr<cu_simd> s(new (std::nothrow) cu_simd());
    if (!s)
        return nullptr;
    s->kernel = simdjson::get_active_implementation();
    s->name = s->kernel->name();
    s->pads = s->name == "fallback";
    if (s->kernel->create_dom_parser_implementation(
            first_capacity, 1, s->parser) != simdjson::SUCCESS ||
        !resize(s.get(), first_capacity))
        return nullptr;
    return s.release();
}

void cu_simd_free(cu_simd *s)
{
    delete s;
}

cu_simd_result cu_simd_scan(cu_simd *s, const char *p, size_t len,
                            cu_simd_index *out)
{
    if (len > max_document)
        return CU_SIMD_LARGE;
    if (len > s->capacity) {
        size_t want = s->capacity ? s->capacity : first_capacity;
        while (want < len)
            want *= 2;
        if (!resize(s, want))
            return CU_SIMD_LARGE;
    }
    const uint8_t *bytes = reinterpret_cast<const uint8_t *>(p);
    if (s->pads) {
        if (len)
            memcpy(s->padded.get(), p, len);
        memset(s->padded.get() + len, ' ', simdjson::SIMDJSON_PADDING);
        bytes = s->padded.get();
    }
    simdjson::error_code rc = s->parser->stage1(bytes, len,
                                                simdjson::stage1_mode::regular);
    if (rc == simdjson::EMPTY)
        return CU_SIMD_EMPTY;
    if (rc != simdjson::SUCCESS)
        return CU_SIMD_BROKEN;
    out->at = s->parser->structural_indexes.get();
    out->n = s->parser->n_structural_indexes;
    return CU_SIMD_OK;
}

void cu_simd_trim(cu_simd *s)
{
    if (s->capacity > CU_SIMD_KEPT)
        (void)resize(s, CU_SIMD_KEPT);
}

bool cu_simd_utf8(const char *p, size_t len)
{
    return simdjson::validate_utf8(p, len);
}

const char *cu_simd_kernel(const cu_simd *s)
{
    return s->name.c_str();
}
