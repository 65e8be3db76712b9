#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>

static cu_rig rig;

static void open_rig(void)
{
    cu_rig_open(&rig);
}

static void close_rig(void)
{
    cu_rig_close(&rig);
}

TestSuite(help, .init = open_rig, .fini = close_rig);

Test(help, every_command_is_listed_and_told_of)
{
    cr_assert_eq(cu_rig_run(&rig, "help"), 0);
    const char *all = cu_rig_said(&rig, 1);
    for (const cu_command *const *k = cu_commands; *k; k++) {
        cr_expect(strstr(all, (*k)->summary), "%s is not listed", (*k)->name);
        cr_assert_eq(cu_rig_run(&rig, cu_arena_printf(rig.c.arena, "help %s",
                                                      (*k)->name)),
                     0);
        const char *one = cu_rig_said(&rig, 1);
        cr_expect(strstr(one, (*k)->summary) && strstr(one, "--brokers"));
        cr_expect((*k)->help == NULL || strstr(one, "  cupel ") != NULL ||
                      strstr(one, "cupel completion"),
                  "%s has no example", (*k)->name);
    }
    cr_expect_str_eq(cu_rig_said(&rig, 2), "");
}

Test(help, own_options_come_before_those_of_everybody)
{
    cr_assert_eq(cu_rig_run(&rig, "help tail"), 0);
    const char *text = cu_rig_said(&rig, 1);
    const char *own = strstr(text, "--until-end");
    const char *global = strstr(text, "options everywhere");
    cr_assert(own && global && own < global);
    cr_expect(strstr(text, "--drain") == NULL);
    cr_expect(strstr(text, "--output text|json|jsonl|csv"));
}

Test(help, an_unknown_command_is_a_mistake)
{
    cr_assert_eq(cu_rig_run(&rig, "help nothing"), 2);
    cr_assert_str_eq(cu_rig_said(&rig, 2),
                     "error: there is no command \"nothing\"\n"
                     "try: cupel help\n");
}

/* The command table names options and the option table fields: neither may
 * name what is not there. */
Test(help, the_tables_agree)
{
    for (const cu_command *const *k = cu_commands; *k; k++)
        for (const char *p = (*k)->options; p && *p;) {
            size_t n = strcspn(p, " ");
            bool found = false;
            for (uint32_t i = 0; i < cu_n_options; i++)
                found = found || (strlen(cu_option_table[i].name) == n &&
                                  !cu_option_table[i].global &&
                                  memcmp(cu_option_table[i].name, p, n) == 0);
            cr_expect(found, "%s: option %.*s", (*k)->name, (int)n, p);
            p += n;
            p += *p == ' ';
        }
    for (uint32_t i = 0; i < cu_n_options; i++) {
        bool taken = cu_option_table[i].global;
        for (const cu_command *const *k = cu_commands; *k; k++)
            taken = taken || cu_option_applies(*k, &cu_option_table[i]);
        cr_expect(taken, "nobody takes --%s", cu_option_table[i].name);
    }
}

Test(help, completion_knows_every_command)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(
            cu_rig_run(
                &rig, cu_arena_printf(rig.c.arena, "completion %s", shells[i])),
            0);
        const char *script = cu_rig_said(&rig, 1);
        for (const cu_command *const *k = cu_commands; *k; k++)
            cr_expect(strstr(script, (*k)->name), "%s: %s", shells[i],
                      (*k)->name);
        cr_expect(strstr(script, "key-field"));
    }
}
