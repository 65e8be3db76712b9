/* The command table. */
#include "ops/cli.h"

#define COMMAND(id, ...) static const cu_command id = {__VA_ARGS__}

COMMAND(run, .name = "run", .synopsis = "PATH… [--drain [--final]]",
        .summary = "collect, keep every view, write the reports",
        .help = "Runs until SIGTERM or Ctrl-C: collects what the SQL says, "
                "keeps every\nview up to date and publishes it, writes "
                "reports on their schedule.\n\n"
                "--drain makes one full pass instead: every collector once, "
                "every input to\nits end, all reports, then exit. Running it "
                "again counts nothing twice.\n\n"
                "  cupel run pipelines/open-library --drain\n"
                "  cupel run pipelines/open-library --brokers "
                "localhost:9092\n",
        .flags = CU_CMD_PATHS, .options = "drain final sync",
        .run = cu_cmd_run);

COMMAND(check, .name = "check", .synopsis = "PATH…",
        .summary = "parse, bind and plan; all problems at once",
        .help = "Touches nothing. Each problem has file:line:column, the line "
                "with a caret\nand, where there is one, a hint. Exit code 2 "
                "when there are errors.\n\n"
                "  cupel check pipelines/open-library\n",
        .flags = CU_CMD_PATHS, .run = cu_cmd_check);

COMMAND(query, .name = "query", .synopsis = "PATH… 'SELECT …'",
        .summary = "one SELECT over the current views",
        .help = "Reads committed rows of views and tables; asks the running "
                "process when\nthere is one, else reads the stopped app's "
                "state.\n\n"
                "  cupel query pipelines/open-library "
                "'SELECT * FROM works LIMIT 5'\n",
        .flags = CU_CMD_PATHS | CU_CMD_ATTACH, .run = cu_cmd_query);

COMMAND(version, .name = "version", .synopsis = "",
        .summary = "the version of cupel and of its libraries", .help = "",
        .run = cu_cmd_version);

COMMAND(help, .name = "help", .synopsis = "[COMMAND]",
        .summary = "this list, or all about one command", .help = "",
        .run = cu_cmd_help);

const cu_command *const cu_commands[] = {&run,     &check, &query,
                                         &version, &help,  NULL};
