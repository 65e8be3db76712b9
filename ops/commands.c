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
                "again counts nothing twice.\nWindows that are open stay open "
                "for the next run; --final says that time ends\nhere: they "
                "close, and rows that come later are late for every window."
                "\n\n"
                "  cupel run pipelines/open-library --drain\n"
                "  cupel run pipelines/open-library --brokers "
                "localhost:9092\n",
        .flags = CU_CMD_PATHS | CU_CMD_MAKES,
        .options = "drain final leave sync", .run = cu_cmd_run);

COMMAND(check, .name = "check", .synopsis = "PATH…",
        .summary = "parse, bind and plan; all problems at once",
        .help = "Touches nothing. Each problem has file:line:column, the line "
                "with a caret\nand, where there is one, a hint. Exit code 2 "
                "when there are errors.\n\n"
                "  cupel check pipelines/open-library\n",
        .flags = CU_CMD_PATHS, .run = cu_cmd_check);

COMMAND(explain, .name = "explain", .synopsis = "PATH… [VIEW]",
        .summary = "operators, keys, state tables, topics, exchanges and why",
        .help = "Touches neither broker nor folder. A topic of somebody else "
                "is taken to have\nas many partitions as its option says, or "
                "one.\n\n"
                "Of each table it tells which columns decoding keeps: the "
                "others are cast and\nchecked, but no view reads them.\n\n"
                "Of each state table it tells what stands there, by which "
                "columns, about how\nmany bytes an entry takes (from the types "
                "alone: text counts as 24, jsonb as\n256) and when an entry "
                "goes. A notice names state that grows with all that\never "
                "came, and state that another view keeps as well.\n\n"
                "  cupel explain pipelines/open-library works\n"
                "  cupel explain pipelines/open-library -o json\n",
        .flags = CU_CMD_PATHS, .run = cu_cmd_explain);

COMMAND(query, .name = "query", .synopsis = "PATH… 'SELECT …'",
        .summary = "one SELECT over the current views",
        .help = "Reads committed rows of views and tables; asks the running "
                "process when\nthere is one, else reads the stopped app's "
                "state.\n\n"
                "  cupel query pipelines/open-library "
                "'SELECT * FROM works LIMIT 5'\n"
                "  cupel query pipelines/open-library -o csv "
                "'SELECT count(*) FROM works'\n",
        .flags = CU_CMD_PATHS | CU_CMD_ATTACH, .run = cu_cmd_query);

COMMAND(collect, .name = "collect",
        .synopsis = "PATH… [TABLE…] [--dry-run] [--limit N]",
        .summary = "run the collectors alone, one full pass",
        .help = "Publishes to the bronze topics what the http and files "
                "tables find, and\nnothing else; views follow with the next "
                "run. --dry-run shows requests and\nrows and publishes "
                "nothing; --limit ends after so many records.\n\n"
                "  cupel collect pipelines/open-library --dry-run --limit 2\n"
                "  cupel collect pipelines/open-library subject_pages\n",
        .flags = CU_CMD_PATHS | CU_CMD_ATTACH | CU_CMD_MAKES,
        .options = "dry-run limit", .run = cu_cmd_collect);

COMMAND(tail, .name = "tail",
        .synopsis = "[PATH…] TOPIC|VIEW [--from-beginning] [--until-end] "
                    "[-n N]",
        .summary = "the records of a topic or view, as they come",
        .help = "Begins at the end and goes on until Ctrl-C; "
                "--from-beginning, --until-end and\n-n N say otherwise. Only "
                "committed records are shown. A name is a topic's, or,\nwith "
                "the path of a pipeline, that of a view or table. -f takes "
                "kcat's words:\n\n"
                "  %s value   %S its length   %k key   %K its length   %t "
                "topic\n"
                "  %p partition   %o offset   %T milliseconds since 1970   "
                "%h headers\n\n"
                "  cupel tail pipelines/open-library works --from-beginning "
                "-n 3\n"
                "  cupel tail silver.openlibrary.works --app open-library -o "
                "jsonl\n"
                "  cupel tail orders --brokers localhost:9092 -f '%p %o %k "
                "%s\\n'\n",
        .flags = CU_CMD_PATHS | CU_CMD_ATTACH | CU_CMD_NAME,
        .options = "from-beginning until-end limit format", .run = cu_cmd_tail);

COMMAND(produce, .name = "produce", .synopsis = "TOPIC [--key-field FIELD]",
        .summary = "write the lines of stdin to a topic",
        .help = "Each line that is not empty is a record. --key-field takes "
                "the key from a field\nof the line's JSON object; records of "
                "one key then stay in order, in one\npartition. Lines are "
                "written in transactions; a bad line ends the command and\n"
                "is named, what stands before it is written.\n\n"
                "  cupel produce orders --app shop < orders.jsonl\n"
                "  cupel produce orders --brokers localhost:9092 --key-field "
                "id < orders.jsonl\n",
        .flags = CU_CMD_ATTACH | CU_CMD_STDIN, .options = "key-field",
        .run = cu_cmd_produce);

COMMAND(topics, .name = "topics", .verbs = "list describe create delete",
        .synopsis = "VERB [TOPIC]",
        .summary = "list, describe, create, delete topics",
        .help = "On --brokers, or in the embedded log of --app. `records` "
                "counts offsets from\nthe oldest to the end: compacted topics "
                "hold fewer, and so do topics that Kafka\nwrites markers of "
                "transactions to. `delete` only says what it\nwould do "
                "until --yes is given.\n\n"
                "  cupel topics list --app shop\n"
                "  cupel topics create orders --partitions 4 --app shop\n"
                "  cupel topics delete orders --yes --brokers "
                "localhost:9092\n",
        .flags = CU_CMD_ATTACH | CU_CMD_VERBS, .options = "partitions yes",
        .run = cu_cmd_topics);

COMMAND(dlq, .name = "dlq", .verbs = "list show",
        .synopsis = "VERB PATH… [N|all] [--view V] [--code C]",
        .summary = "dead letters: what was rejected, and why",
        .help = "`list` counts them by reason. `show` shows the newest, the "
                "Nth newest or all:\nthe reason, where it came from, all "
                "headers, key and value as they came (bytes\nthat are no text "
                "as \\xNN).\n\n"
                "  cupel dlq list pipelines/open-library\n"
                "  cupel dlq show pipelines/open-library 3\n"
                "  cupel dlq show pipelines/open-library all --code 22P02 -o "
                "jsonl\n",
        .flags = CU_CMD_PATHS | CU_CMD_ATTACH | CU_CMD_VERBS,
        .options = "view code", .run = cu_cmd_dlq);

COMMAND(offsets, .name = "offsets", .verbs = "show reset export import",
        .synopsis = "show|reset|export PATH… | import PATH… FILE | VERB "
                    "--group GROUP",
        .summary = "positions of an app or of any group: seen, set, saved",
        .help = "The positions are those of the app's consumer group, or of "
                "any --group.\n\n"
                "`reset` prints where each partition would go and changes "
                "nothing until --execute\nis given; then it writes the way "
                "back to a file first (--undo). Exactly one of\nKafka's words "
                "says where: --to-earliest, --to-latest, --to-current, "
                "--to-offset,\n--shift-by, --to-datetime, --by-duration, "
                "--from-file. `export` writes the lines of\n"
                "kafka-consumer-groups.sh --export, `import` takes them back."
                "\n\n"
                "Resetting an app makes its views anew over the input from "
                "there on (topics left\nout: from where the views began); the "
                "next run does the work, and the topics of\nthe views get "
                "what differs at its end. Stop the app first.\n\n"
                "  cupel offsets show pipelines/open-library\n"
                "  cupel offsets reset pipelines/open-library --to-earliest\n"
                "  cupel offsets reset shop.sql --topic orders --to-datetime "
                "2024-05-01 --execute\n"
                "  cupel offsets export --group billing --brokers "
                "localhost:9092 > billing.csv\n",
        .flags = CU_CMD_PATHS | CU_CMD_ATTACH | CU_CMD_VERBS,
        .options = "group topic to-earliest to-latest to-current to-offset "
                   "shift-by to-datetime by-duration from-file execute undo",
        .run = cu_cmd_offsets);

COMMAND(app, .name = "app", .verbs = "repartition",
        .synopsis = "repartition PATH… [--partitions N] [--dry-run]",
        .summary = "give a stopped app other partitions",
        .help = "Exchanges by a key, and what is kept behind them, get N "
                "partitions: so many\nworkers can share the work. Without "
                "--partitions their number stays, and only\nwhat the inputs "
                "have gained is taken in: an app whose input topic has more\n"
                "partitions than before does not start until then.\n\n"
                "What the views show is moved to where its keys will be; all "
                "other state is made\nanew by the next run, from where the "
                "views began, and the topics of the views,\nwhich keep their "
                "partitions, get what differs: usually nothing. --dry-run "
                "tells\nwhether it can be done. Stop the app first.\n\n"
                "  cupel app repartition shop.sql --partitions 8\n"
                "  cupel app repartition shop.sql --brokers localhost:9092\n",
        .flags = CU_CMD_PATHS | CU_CMD_ATTACH | CU_CMD_VERBS,
        .options = "partitions dry-run", .run = cu_cmd_app);

COMMAND(state, .name = "state", .verbs = "show verify",
        .synopsis = "show|verify PATH…",
        .summary = "keys and bytes of every state table, checked",
        .help = "`show`: per stage, partition and state table, and what the "
                "folder holds on disk.\n`verify`: each state of this machine "
                "against its changelog on Kafka, restored from\nempty; names "
                "the first row that differs. Stop the app first.\n\n"
                "  cupel state show pipelines/open-library\n"
                "  cupel state verify pipelines/open-library --brokers "
                "localhost:9092\n",
        .flags = CU_CMD_PATHS | CU_CMD_ATTACH | CU_CMD_VERBS,
        .run = cu_cmd_state);

COMMAND(doctor, .name = "doctor", .synopsis = "[PATH…] [--acls]",
        .summary = "is everything here that a run needs?",
        .help = "Looks at libraries, state folder, disk, memory, limits, "
                "clock, brokers and, with\na path, the APIs that the SQL "
                "names and the topics that are there; says what to\ndo. Exit "
                "code 1 when something fails.\n\n--acls prints the permissions "
                "that the app's user needs on the brokers, and no\nmore, with "
                "the commands that give them.\n\n"
                "  cupel doctor pipelines/open-library\n"
                "  cupel doctor --brokers localhost:9092\n"
                "  cupel doctor pipelines/open-library --brokers "
                "localhost:9092 --acls\n",
        .flags = CU_CMD_PATHS, .options = "acls", .run = cu_cmd_doctor);

COMMAND(completion, .name = "completion", .verbs = "bash zsh fish",
        .synopsis = "bash|zsh|fish",
        .summary = "a completion script for the shell",
        .help = "  source <(cupel completion bash)\n"
                "  cupel completion zsh > \"${fpath[1]}/_cupel\"\n"
                "  cupel completion fish > "
                "~/.config/fish/completions/cupel.fish\n",
        .flags = CU_CMD_VERBS, .run = cu_cmd_completion);

COMMAND(version, .name = "version", .synopsis = "",
        .summary = "the version of cupel and of its libraries",
        .run = cu_cmd_version);

COMMAND(help, .name = "help", .synopsis = "[COMMAND]",
        .summary = "this list, or all about one command", .run = cu_cmd_help);

const cu_command *const cu_commands[] = {
    &run,     &check,      &explain, &query,   &collect, &tail,
    &produce, &topics,     &dlq,     &offsets, &app,     &state,
    &doctor,  &completion, &version, &help,    NULL};
