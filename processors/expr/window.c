/* Window function signatures: which exist and what they return.  How they
 * are computed is in processors/operators (over, rank). */
#include "processors/expr/kernel.h"

#define WIN(nm, which, res, text, ...)                                       \
    {                                                                        \
        .name = nm, .kind = CU_FUNC_WINDOW, .n_args = CU_COUNT(__VA_ARGS__), \
        .win = which, .args = {__VA_ARGS__}, .result = res, .doc = text      \
    }
#define PLAIN(nm, which, res, text)                                      \
    {                                                                    \
        .name = nm, .kind = CU_FUNC_WINDOW, .win = which, .result = res, \
        .doc = text                                                      \
    }

static const cu_func list[] = {
    PLAIN("row_number", CU_WIN_ROW_NUMBER, CU_T_INT8,
          "the row's number in its partition, from 1"),
    PLAIN("rank", CU_WIN_RANK, CU_T_INT8,
          "1 + how many rows come before it and its peers"),
    PLAIN("dense_rank", CU_WIN_DENSE_RANK, CU_T_INT8,
          "1 + how many groups of peers come before it"),
    PLAIN("percent_rank", CU_WIN_PERCENT_RANK, CU_T_FLOAT8,
          "(rank - 1) / (rows - 1)"),
    PLAIN("cume_dist", CU_WIN_CUME_DIST, CU_T_FLOAT8,
          "the part of the rows up to its last peer"),
    WIN("ntile", CU_WIN_NTILE, CU_T_INT4,
        "which of so many parts of equal size it is in", CU_T_INT4),
    WIN("lag", CU_WIN_LAG, CU_T_ANYELEMENT, "the value of the row before",
        CU_T_ANYELEMENT),
    WIN("lag", CU_WIN_LAG, CU_T_ANYELEMENT,
        "the value of the row so many before", CU_T_ANYELEMENT, CU_T_INT4),
    WIN("lag", CU_WIN_LAG, CU_T_COMPATIBLE,
        "the same, or a default where there is no such row", CU_T_COMPATIBLE,
        CU_T_INT4, CU_T_COMPATIBLE),
    WIN("lead", CU_WIN_LEAD, CU_T_ANYELEMENT, "the value of the row behind",
        CU_T_ANYELEMENT),
    WIN("lead", CU_WIN_LEAD, CU_T_ANYELEMENT,
        "the value of the row so many behind", CU_T_ANYELEMENT, CU_T_INT4),
    WIN("lead", CU_WIN_LEAD, CU_T_COMPATIBLE,
        "the same, or a default where there is no such row", CU_T_COMPATIBLE,
        CU_T_INT4, CU_T_COMPATIBLE),
    WIN("first_value", CU_WIN_FIRST_VALUE, CU_T_ANYELEMENT,
        "the value of the frame's first row", CU_T_ANYELEMENT),
    WIN("last_value", CU_WIN_LAST_VALUE, CU_T_ANYELEMENT,
        "the value of the frame's last row", CU_T_ANYELEMENT),
    WIN("nth_value", CU_WIN_NTH_VALUE, CU_T_ANYELEMENT,
        "the value of the frame's n-th row, from 1", CU_T_ANYELEMENT,
        CU_T_INT4),
};
CU_PART(cu_part_window, list);
