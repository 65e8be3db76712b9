"""What is allowed where: the tables that tidy.py checks against.

An exception is a line here, with the reason beside it.  Nothing is exempt
because it was there first.
"""

# --- the house: a folder may include itself and these ------------------------

FOLDERS = {
    "base": [],
    "rows": ["base"],
    "log": ["base"],
    "schemas": ["rows", "base"],
    "state": ["log", "rows", "base"],
    "processors/expr": ["rows", "base"],
    # program.h holds what tables say about their bytes.
    "processors/plan": ["processors/expr", "schemas", "rows", "base"],
    "processors/sql": ["processors/plan", "processors/expr", "schemas", "rows",
                       "base"],
    "processors/operators": ["processors/plan", "processors/expr", "state",
                             "rows", "base"],
    "processors/runtime": ["processors/operators", "processors/plan",
                           "processors/expr", "state", "schemas", "log", "rows",
                           "base"],
    "processors/engine": ["processors/runtime", "processors/operators",
                          "processors/sql", "processors/plan",
                          "processors/expr", "state", "schemas", "log", "rows",
                          "base"],
    "producers": ["schemas", "log", "rows", "base"],
    "ops": ["processors/engine", "processors/runtime", "processors/operators",
            "processors/sql", "processors/plan", "processors/expr", "producers",
            "state", "schemas", "log", "rows", "base"],
}

# Headers that only their own folder (and its unit tests) may include.
PRIVATE = r"(^|/)(int|[a-z_]+_int)\.h$"
# Headers that are private though their name does not say so.
PRIVATE_NAMES = {
    "log/local.h", "log/local_block.h", "log/kafka.h", "log/kafka_txn.h",
    "rows/numeric_big.h",
}

# --- headers from outside ----------------------------------------------------

# C11 headers without a door.
PLAIN_HEADERS = {
    "float.h", "inttypes.h", "limits.h", "math.h", "stdalign.h", "stdarg.h",
    "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h",
    "stdio.h", "ctype.h",
}

# header: the files that may include it (regular expressions), and what
# everybody else uses.
FOREIGN = {
    "rocksdb/c.h": ([r"base/kv_rocks\.c"], "base/kv.h"),
    "curl/curl.h": ([r"base/http_curl\.c"], "base/http.h"),
    "pcre2.h": ([r"processors/expr/regex\.c"], "processors/expr/regex.h"),
    "lz4.h": ([r"base/pack\.c"], "base/pack.h"),
    "xxhash.h": ([r"base/hash\.c"], "cu_hash() of base/bytes.h"),
    "librdkafka/rdkafka.h": ([r"log/kafka[a-z_]*\.c"], "log/log.h"),
    "avro.h": ([r"schemas/avro[a-z_]*\.c"], "schemas/codec.h"),
    "jansson.h": ([r"schemas/(avro|registry)[a-z_]*\.c",
                   r"tests/(unit/schemas|fuzz)/.*"], "schemas/codec.h"),
    "simdjson.h": ([r"schemas/json_simd\.cc"], "schemas/json_simd.h"),
    "memory": ([r"schemas/json_simd\.cc"], "C"),
    "new": ([r"schemas/json_simd\.cc"], "C"),
    "string": ([r"schemas/json_simd\.cc"], "C"),
    "strings.h": ([r"tests/.*"], "cu_slice and its comparisons"),
    "pg_query.h": ([r"processors/sql/parse[a-z_]*\.[ch]"],
                   "processors/sql/ast.h"),
    "pg_query/pg_query.pb-c.h": ([r"processors/sql/parse[a-z_]*\.[ch]"],
                                 "processors/sql/ast.h"),
    "microhttpd.h": ([r"ops/http\.c"], "ops/http.h"),
    "libpq-fe.h": ([r"ops/postgres[a-z_]*\.c", r"tests/oracle/.*"],
                   "the sink's table of calls"),
    "criterion/criterion.h": ([r"tests/.*"], "a test"),
    "criterion/parameterized.h": ([r"tests/.*"], "a test"),
    "sanitizer/asan_interface.h": ([r"base/arena\.c"], "base/arena.h"),
    "emmintrin.h": ([r"rows/json[a-z_]*\.c"], "portable C"),
    # Threads meet only in the log; these make them or guard what all share.
    "pthread.h": ([r"base/(diag|http_curl|kv_memory|kv_rocks)\.c",
                   r"log/(kafka|local)\.h", r"rows/(zone|text_float)\.c",
                   r"processors/expr/catalog\.c", r"processors/sql/parse\.c",
                   r"ops/.*", r"tests/.*"], "one thread per task"),
    # The machine.
    "time.h": ([r"base/(env_real|http_curl|kv_rocks)\.c",
                # Deadlines of pthread_cond_timedwait().
                r"log/local(_reader)?\.c", r"tests/.*"], "base/env.h"),
    "errno.h": ([r"base/.*\.c", r"ops/.*\.c", r"tests/.*"],
                "the message of cu_err"),
    "signal.h": ([r"base/env_real\.c", r"tests/.*"], "base/env.h"),
    "fcntl.h": ([r"base/env_real\.c", r"ops/attach\.c", r"tests/.*"],
                "base/env.h"),
    "unistd.h": ([r"base/(alloc|diag|env_real)\.c", r"ops/.*\.c",
                  r"tests/.*"], "base/env.h"),
    "poll.h": ([r"base/env_real\.c", r"ops/.*\.c", r"tests/.*"], "base/env.h"),
    "dirent.h": ([r"base/env_real\.c", r"tests/.*"], "base/env.h"),
    "sys/eventfd.h": ([r"base/env_real\.c", r"ops/attach\.c"], "base/env.h"),
    "sys/file.h": ([r"base/env_real\.c"], "base/env.h"),
    "sys/random.h": ([r"base/env_real\.c"], "base/env.h"),
    "sys/stat.h": ([r"base/env_real\.c", r"ops/attach\.c", r"tests/.*"],
                   "base/env.h"),
    "sys/resource.h": ([r"ops/.*\.c", r"tests/.*"], "ops"),
    "sys/ioctl.h": ([r"ops/.*\.c"], "ops"),
    "sys/socket.h": ([r"base/http_(address|curl)\.c", r"ops/.*\.c",
                      r"tests/.*"], "base/http.h"),
    "sys/un.h": ([r"ops/.*\.c", r"tests/.*"], "ops/attach.h"),
    "arpa/inet.h": ([r"base/http_address\.c", r"ops/http\.c", r"tests/.*"],
                    "base/http_address.h"),
    "netinet/in.h": ([r"base/http_address\.c", r"ops/http\.c", r"tests/.*"],
                     "base/http_address.h"),
    "netinet/tcp.h": ([r"tests/.*"], "a test"),
    "netdb.h": ([r"ops/(doctor|http)\.c", r"tests/.*"], "ops/http.h"),
    "sys/statvfs.h": ([r"ops/doctor\.c"], "base/env.h"),
    # Versions of the libraries as they were loaded.
    "dlfcn.h": ([r"ops/version\.c"], "ops/version.c"),
    "link.h": ([r"ops/version\.c"], "ops/version.c"),
    "fnmatch.h": ([r"tests/.*"], "cu_glob()"),
    "ftw.h": ([r"tests/.*"], "base/env.h"),
    "sched.h": ([r"tests/.*"], "a test"),
    "sys/mount.h": ([r"tests/.*"], "a test"),
    "sys/wait.h": ([r"tests/.*"], "a test"),
}

# --- banned calls ------------------------------------------------------------

# (names, files that may, what instead).  Tests may call what has a door;
# they may not call what is never right: the lines without files.
BANNED = [
    ("malloc calloc realloc free strdup strndup asprintf vasprintf "
     "aligned_alloc posix_memalign",
     [r"base/alloc\.c"], "cu_alloc() or an arena"),
    ("time clock clock_gettime gettimeofday",
     [r"base/env_real\.c",
      # Deadlines of the waits inside libcurl and RocksDB.
      r"base/(http_curl|kv_rocks)\.c"], "cu_wall_us() or cu_mono_us()"),
    ("localtime localtime_r gmtime gmtime_r mktime strftime strptime",
     [], "the calendar of rows/text.h"),
    ("rand random srand srandom drand48 getrandom",
     [r"base/env_real\.c"], "the env door's chance()"),
    ("getenv secure_getenv setenv putenv",
     [r"base/env_real\.c"], "the env door's variable()"),
    ("printf vprintf puts putchar putc fputs fputc fwrite fprintf vfprintf "
     "dprintf perror",
     [r"base/(assert|diag)\.c"], "cu_diag for people, ops/out.c for data"),
    ("strcpy stpcpy strcat strncpy strncat sprintf vsprintf gets strtok "
     "atoi atol atoll atof alloca scanf sscanf fscanf",
     [], "cu_buf, cu_slice, cu_scan, cu_arena_printf()"),
    ("setlocale nl_langinfo toupper_l", [], "nothing: text is C.UTF-8"),
    ("setjmp longjmp sigsetjmp siglongjmp", [], "int + cu_err"),
    ("fopen freopen fdopen opendir mkstemp mkdtemp tmpfile rename mkdir rmdir "
     "open openat creat",
     [r"base/env_real\.c"], "the env door's files"),
    ("unlink", [r"base/env_real\.c", r"ops/attach\.c"], "the env door's files"),
    ("sleep usleep nanosleep",
     [r"base/(env_real|kv_rocks)\.c"], "the env door's sleep_us()"),
    ("sigaction signal raise kill",
     [r"base/env_real\.c"], "the env door's stop_requested()"),
    ("exit _exit quick_exit abort system popen fork vfork execvp",
     [r"base/(alloc|assert|env_real)\.c"], "an error that is returned"),
    ("assert", [], "CU_ASSERT, which stays on"),
]
# In tests these have their uses (fixtures, servers, children).
TESTS_MAY = {
    "malloc", "calloc", "realloc", "free", "strdup", "strndup", "asprintf",
    "vasprintf", "time", "clock", "clock_gettime", "gettimeofday", "getenv",
    "setenv", "putenv", "secure_getenv", "printf", "vprintf", "puts",
    "putchar", "putc", "fputs", "fputc", "fwrite", "fprintf", "vfprintf",
    "dprintf", "perror", "fopen", "freopen", "fdopen", "opendir", "mkstemp",
    "mkdtemp", "tmpfile", "rename", "mkdir", "rmdir", "open", "openat",
    "creat", "unlink", "sleep", "usleep", "nanosleep", "sigaction", "signal",
    "raise", "kill", "exit", "_exit", "abort", "fork", "execvp", "system",
    "sprintf", "atoi", "atol", "atoll", "atof", "sscanf", "fscanf", "strncat",
    "strncpy",
}

# --- sizes -------------------------------------------------------------------

FILE_LINES = 800
HEADER_LINES = 200
FUNCTION_LINES = 70
TEST_LINES = 150  # a Test() is often one table of cases
COLUMNS = 80

# Files and headers that may be longer, and how long.
LONG_FILES = {}
LONG_HEADERS = {
    "log/log.h": (240, "the door: one table of calls, told in one place"),
    "log/local.h": (220, "all structures under the two locks"),
    "processors/plan/plan.h": (240, "one union of all nodes"),
    "processors/sql/ast.h": (260, "one node type per grammar form"),
}
# file:function: a switch or opcode table that reads best in one piece.
LONG_FUNCTIONS = {}

# --- words -------------------------------------------------------------------

LEFTOVERS = r"\b(TODO|FIXME|XXX|HACK)\b|\b[Ss]tub(s|bed)?\b"
# Roots of machines; built so that this file does not contain them.
MACHINE_PATHS = r"(?<![\w.$})/-])/(work|root|home|mnt|Users|tmp)/[\w.-]"
REGISTRIES = (r"\b(repo1?\.maven\.org|repo\.maven\.apache\.org|pypi\.org|"
              r"files\.pythonhosted\.org|registry\.npmjs\.org|crates\.io|"
              r"proxy\.golang\.org|deb\.debian\.org|archive\.ubuntu\.com)\b")

# Folders of data: a README above names them as `folder/` and that is enough.
DATA_FOLDERS = {"data", "expected", "golden", "cases", "corpus", "samples"}
