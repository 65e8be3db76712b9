/* Assertions for programmer errors; they stay on in release builds.
 *
 * Bad input, a bad record, a full disk are never asserts.  Cite the
 * invariant: CU_ASSERT(offset > last);  (L1).  CU_ASSERT_SLOW is for checks
 * that cost more than the work they guard: debug and simulation builds only.
 */
#ifndef CU_BASE_ASSERT_H
#define CU_BASE_ASSERT_H

/* Prints what failed and where, then ends the process with SIGABRT. */
_Noreturn void cu_assert_failed(const char *what, const char *file, int line);

#define CU_ASSERT(cond) \
    ((cond) ? (void)0 : cu_assert_failed(#cond, __FILE__, __LINE__))

#ifdef CU_SLOW_ASSERTS
#define CU_ASSERT_SLOW(cond) CU_ASSERT(cond)
#else
#define CU_ASSERT_SLOW(cond) ((void)0)
#endif

#endif
