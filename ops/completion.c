/* cupel completion: a script for the shell, made from the two tables.
 *
 *   source <(cupel completion bash)
 *   cupel completion fish > ~/.config/fish/completions/cupel.fish
 */
#include "ops/args.h"

static void options_of(const cu_command *k, cu_buf *out)
{
    for (uint32_t i = 0; i < cu_n_options; i++)
        if (cu_option_applies(k, &cu_option_table[i]))
            cu_buf_printf(out, " --%s", cu_option_table[i].name);
}

/* Help texts in single quotes of a shell. */
static void quoted(const char *s, cu_buf *out)
{
    cu_buf_put_u8(out, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            cu_buf_put_str(out, "'\\''");
        else
            cu_buf_put_u8(out, (uint8_t)*s);
    }
    cu_buf_put_u8(out, '\'');
}

static void bash(cu_buf *b)
{
    cu_buf_put_str(b, "_cupel() {\n"
                      "    local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
                      "    local prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                      "    local command=${COMP_WORDS[1]}\n"
                      "    case $prev in\n");
    for (uint32_t i = 0; i < cu_n_options; i++)
        if (cu_option_table[i].choices)
            cu_buf_printf(b,
                          "    --%s) COMPREPLY=($(compgen -W '%s' -- "
                          "\"$cur\")); return ;;\n",
                          cu_option_table[i].name, cu_option_table[i].choices);
    cu_buf_put_str(b, "    esac\n    case $command in\n");
    for (const cu_command *const *k = cu_commands; *k; k++) {
        cu_buf_printf(b, "    %s) words='%s", (*k)->name,
                      (*k)->verbs ? (*k)->verbs : "");
        options_of(*k, b);
        cu_buf_put_str(b, "' ;;\n");
    }
    cu_buf_put_str(b, "    esac\n"
                      "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
                      "        words='");
    for (const cu_command *const *k = cu_commands; *k; k++)
        cu_buf_printf(b, "%s%s", k == cu_commands ? "" : " ", (*k)->name);
    cu_buf_put_str(b, "'\n    fi\n"
                      "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")\n"
                      "        $([ \"$COMP_CWORD\" = 1 ] || "
                      "compgen -f -- \"$cur\"))\n"
                      "}\n"
                      "complete -o filenames -F _cupel cupel\n");
}

static void zsh(cu_buf *b)
{
    cu_buf_put_str(b, "#compdef cupel\n_cupel() {\n"
                      "    local -a commands options\n    commands=(\n");
    for (const cu_command *const *k = cu_commands; *k; k++) {
        cu_arena *a = cu_arena_new(256);
        cu_buf_put_str(b, "        ");
        quoted(cu_arena_printf(a, "%s:%s", (*k)->name, (*k)->summary), b);
        cu_buf_put_u8(b, '\n');
        cu_arena_free(a);
    }
    cu_buf_put_str(b, "    )\n"
                      "    if (( CURRENT == 2 )); then\n"
                      "        _describe command commands\n"
                      "        return\n"
                      "    fi\n"
                      "    case $words[2] in\n");
    for (const cu_command *const *k = cu_commands; *k; k++) {
        cu_buf_printf(b, "    %s) options=(%s", (*k)->name,
                      (*k)->verbs ? (*k)->verbs : "");
        options_of(*k, b);
        cu_buf_put_str(b, ") ;;\n");
    }
    cu_buf_put_str(b, "    esac\n"
                      "    compadd -- $options\n"
                      "    _files\n"
                      "}\n"
                      "compdef _cupel cupel\n");
}

static void fish_option(const cu_command *k, const cu_option *o, cu_buf *b)
{
    cu_buf_put_str(b, "complete -c cupel");
    if (k)
        cu_buf_printf(b, " -n '__fish_seen_subcommand_from %s'", k->name);
    cu_buf_printf(b, " -l %s", o->name);
    if (o->letter)
        cu_buf_printf(b, " -s %c", o->letter);
    if (o->choices)
        cu_buf_printf(b, " -xa '%s'", o->choices);
    else if (o->kind != CU_OPT_FLAG)
        cu_buf_put_str(b, " -r");
    cu_buf_put_str(b, " -d ");
    quoted(o->help, b);
    cu_buf_put_u8(b, '\n');
}

static void fish(cu_buf *b)
{
    for (const cu_command *const *k = cu_commands; *k; k++) {
        cu_buf_printf(b, "complete -c cupel -n __fish_use_subcommand -a %s -d ",
                      (*k)->name);
        quoted((*k)->summary, b);
        cu_buf_put_u8(b, '\n');
        if ((*k)->verbs)
            cu_buf_printf(b,
                          "complete -c cupel -n "
                          "'__fish_seen_subcommand_from %s' -a '%s'\n",
                          (*k)->name, (*k)->verbs);
        for (uint32_t i = 0; i < cu_n_options; i++) {
            const cu_option *o = &cu_option_table[i];
            if (!o->global && cu_option_applies(*k, o))
                fish_option(*k, o, b);
        }
    }
    for (uint32_t i = 0; i < cu_n_options; i++)
        if (cu_option_table[i].global)
            fish_option(NULL, &cu_option_table[i], b);
}

int cu_cmd_completion(cu_cmd *c)
{
    cu_buf b = {0};
    if (strcmp(c->verb, "bash") == 0)
        bash(&b);
    else if (strcmp(c->verb, "zsh") == 0)
        zsh(&b);
    else
        fish(&b);
    c->out->write(c->out->ctx, 1, cu_buf_slice(&b));
    cu_buf_free(&b);
    return 0;
}
