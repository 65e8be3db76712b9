/* Type categories: what PostgreSQL's overload rules ask of a type.
 *
 * A category groups the types between which implicit casts may be chosen
 * (numbers, strings, dates); one type of it is preferred when a choice is
 * left.  Pseudo kinds have the category 'P', which matches nothing.
 */
#include "processors/expr/int.h"

char cu_type_category(cu_type t)
{
    switch (t.kind) {
    case CU_T_NULL:
    case CU_T_UNKNOWN:
        return 'X';
    case CU_T_BOOL:
        return 'B';
    case CU_T_INT2:
    case CU_T_INT4:
    case CU_T_INT8:
    case CU_T_FLOAT4:
    case CU_T_FLOAT8:
    case CU_T_NUMERIC:
        return 'N';
    case CU_T_TEXT:
        return 'S';
    case CU_T_DATE:
    case CU_T_TIME:
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        return 'D';
    case CU_T_INTERVAL:
        return 'T';
    case CU_T_BYTEA:
    case CU_T_UUID:
    case CU_T_JSONB:
        return 'U';
    case CU_T_ARRAY:
        return 'A';
    default:
        return 'P';
    }
}

bool cu_type_preferred(cu_type t)
{
    return t.kind == CU_T_BOOL || t.kind == CU_T_FLOAT8 ||
           t.kind == CU_T_TEXT || t.kind == CU_T_TIMESTAMPTZ ||
           t.kind == CU_T_INTERVAL;
}

bool cu_type_untyped(cu_type t)
{
    return t.kind == CU_T_UNKNOWN || t.kind == CU_T_NULL;
}

bool cu_type_is_pseudo(cu_type t)
{
    return t.kind > CU_T_UNKNOWN;
}

cu_type cu_array_type(unsigned elem)
{
    return (cu_type){.kind = CU_T_ARRAY, .elem = (uint8_t)elem, .scale = -1};
}

const char *cu_sig_name(cu_type t, char out[64])
{
    static const char *const pseudo[] = {
        "unknown",     "\"any\"",  "anyelement",    "anyarray",
        "anynonarray", "anyarray", "anycompatible", "anycompatiblearray",
    };
    if (cu_type_untyped(t))
        return pseudo[0];
    if (t.kind >= CU_T_UNKNOWN)
        return pseudo[t.kind - CU_T_UNKNOWN];
    cu_type bare = CU_TYPE(t.kind);
    bare.elem = t.elem;
    return cu_type_name(bare, out);
}

bool cu_common_type(const cu_type *types, uint32_t n, cu_type *out,
                    cu_type *clash)
{
    cu_type best = {.kind = CU_T_UNKNOWN, .scale = -1};
    bool same_typmod = true;
    for (uint32_t i = 0; i < n; i++) {
        cu_type t = types[i];
        if (cu_type_untyped(t)) {
            same_typmod = false;
            continue;
        }
        if (cu_type_untyped(best)) {
            best = t;
            continue;
        }
        if (cu_type_same(best, t)) {
            same_typmod = same_typmod && best.precision == t.precision &&
                          best.scale == t.scale;
            continue;
        }
        same_typmod = false;
        if (cu_type_category(best) != cu_type_category(t)) {
            *out = best;
            *clash = t;
            return false;
        }
        if (!cu_type_preferred(best) &&
            cu_cast_exists(best, t, CU_CAST_IMPLICIT) &&
            !cu_cast_exists(t, best, CU_CAST_IMPLICIT))
            best = t;
    }
    if (cu_type_untyped(best))
        best = CU_TYPE(CU_T_TEXT);
    if (!same_typmod) {
        best.precision = 0;
        best.scale = -1;
    }
    *out = best;
    return true;
}
