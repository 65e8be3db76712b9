#include "tests/unit/base/scratch.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *cu_scratch_new(void)
{
    const char *root = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof(path), "%s/cupel-test-XXXXXX",
             root ? root : P_tmpdir);
    cr_assert_not_null(mkdtemp(path));
    return cu_strdup(path);
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void cu_scratch_free(char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    cu_free(path);
}
