/* What every test program links: sanitizer options. */
#ifndef CU_TESTS_SUPPORT_H
#define CU_TESTS_SUPPORT_H

const char *__asan_default_options(void);

#endif
