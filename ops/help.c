/* help and version, made from the tables. */
#include "ops/args.h"

#include <stdio.h>

static void option_line(cu_cmd *c, const cu_option *o)
{
    char letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    cu_buf left = {0};
    cu_buf_printf(&left, "  %s--%s", letter, o->name);
    size_t from = left.len + 1;
    if (o->choices)
        cu_buf_printf(&left, " %s", o->choices);
    for (size_t i = from; i < left.len; i++)
        if (left.data[i] == ' ')
            left.data[i] = '|';
    if (o->value)
        cu_buf_printf(&left, " %s", o->value);
    cu_buf_put_u8(&left, 0);
    cu_print(c->out, "%-36s %s\n", left.data, o->help);
    cu_buf_free(&left);
}

static void options(cu_cmd *c, const cu_command *k, bool global)
{
    for (uint32_t i = 0; i < cu_n_options; i++) {
        const cu_option *o = &cu_option_table[i];
        if (o->global == global && cu_option_applies(k, o))
            option_line(c, o);
    }
}

static int about(cu_cmd *c, const cu_command *k)
{
    cu_print(c->out, "cupel %s %s\n\n  %s\n", k->name, k->synopsis, k->summary);
    if (k->verbs)
        cu_print(c->out, "\nverbs: %s\n", k->verbs);
    if (k->help && *k->help)
        cu_print(c->out, "\n%s", k->help);
    if (k->options) {
        cu_print(c->out, "\noptions:\n");
        options(c, k, false);
    }
    cu_print(c->out, "\noptions everywhere:\n");
    options(c, k, true);
    return 0;
}

int cu_cmd_help(cu_cmd *c)
{
    if (c->n_words) {
        const cu_command *k = cu_command_find(c->words[0]);
        if (k)
            return about(c, k);
        c->command = NULL;
        return cu_usage(c, "there is no command \"%s\"", c->words[0]);
    }
    cu_print(c->out,
             "cupel %s - PostgreSQL statements kept up to date over Kafka or "
             "an embedded log\n\n  cupel COMMAND …\n\n",
             CUPEL_VERSION);
    for (const cu_command *const *k = cu_commands; *k; k++)
        cu_print(c->out, "  %-11s %s\n", (*k)->name, (*k)->summary);
    cu_print(c->out, "\ncupel help COMMAND tells all about one.\n");
    return 0;
}
