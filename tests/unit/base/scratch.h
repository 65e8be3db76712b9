/* A temporary folder of one test. */
#ifndef CU_TESTS_SCRATCH_H
#define CU_TESTS_SCRATCH_H

/* Makes a folder; the path is on the heap. */
char *cu_scratch_new(void);
/* Removes it with all that is in it, and frees the path. */
void cu_scratch_free(char *path);

#endif
