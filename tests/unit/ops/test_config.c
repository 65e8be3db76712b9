#include "ops/config.h"
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

TestSuite(config, .init = open_rig, .fini = close_rig);

static int load(const char *text, const char *more)
{
    cu_err err = {0};
    rig.env->vt->write_file(rig.env, "c", cu_slice_of(text), &err);
    cr_assert_eq(cu_rig_parse(&rig, cu_arena_printf(rig.c.arena,
                                                    "tail "
                                                    "--command-config c %s",
                                                    more)),
                 0);
    return cu_config_load(&rig.c);
}

/* "name=value name=value" of all properties, in order. */
static const char *all(void)
{
    const char *text = "";
    for (uint32_t i = 0; i < rig.c.o.n_properties; i++)
        text = cu_arena_printf(rig.c.arena, "%s%s%s=%s", text, i ? " " : "",
                               rig.c.o.properties[i].name,
                               rig.c.o.properties[i].value);
    return text;
}

Test(config, lines_comments_and_continuations)
{
    cr_assert_eq(load("# a comment\r\n! another\n\n client.id = me \r\n"
                      "ssl.ca.location:/etc/ca.pem\nlong=one \\\n  two\\\n"
                      "  three",
                      "t"),
                 0);
    cr_assert_str_eq(
        all(), "client.id=me ssl.ca.location=/etc/ca.pem long=one twothree");
}

Test(config, names_of_java_are_translated)
{
    cr_assert_eq(
        load("security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n"
             "sasl.jaas.config=org.apache.kafka.common.security.plain."
             "PlainLoginModule required username=\"u\" "
             "password=\"p\\\"w;\";\n"
             "ssl.truststore.location=/etc/ca.pem\nssl.truststore.type=PEM\n"
             "ssl.endpoint.identification.algorithm=\n"
             "value.deserializer=x\nrequest.timeout.ms=5000\n",
             "t"),
        0);
    cr_assert_str_eq(all(), "security.protocol=SASL_SSL sasl.mechanism=PLAIN "
                            "sasl.username=u sasl.password=p\"w; "
                            "ssl.ca.location=/etc/ca.pem "
                            "ssl.endpoint.identification.algorithm=none "
                            "socket.timeout.ms=5000");
}

Test(config, key_stores_of_java_are_pem_or_pkcs_12)
{
    cr_assert_eq(load("ssl.keystore.type=PEM\nssl.keystore.location=me.pem\n"
                      "ssl.keystore.type=PKCS12\n"
                      "ssl.keystore.location=me.p12\n",
                      "t"),
                 0);
    cr_assert_str_eq(all(), "ssl.certificate.location=me.pem "
                            "ssl.key.location=me.pem "
                            "ssl.keystore.location=me.p12");
    cr_assert_eq(load("ssl.truststore.location=ca.p12\n", "t"), 2);
    cr_assert(strstr(cu_rig_said(&rig, 2), "wanted as PEM; export them"));
    cr_assert_eq(load("ssl.keystore.type=JKS\n", "t"), 2);
    cr_assert(strstr(cu_rig_said(&rig, 2), "ssl.keystore.type=JKS is not"));
}

Test(config, a_line_that_is_wrong_is_not_shown)
{
    cr_assert_eq(load("sasl.username=u\nhunter2\n", "t"), 2);
    cr_assert(strstr(cu_rig_said(&rig, 2), "c:2:"));
    cr_assert_not(strstr(cu_rig_said(&rig, 2), "hunter2"));
}

Test(config, options_of_a_kafka_server_come_first)
{
    cu_header h[] = {{CU_LIT("security.protocol"), CU_LIT("SSL")}};
    cu_header x[] = {{CU_LIT("user"), CU_LIT("u")}};
    cu_server_def kafka = {
        .wrapper = CU_W_KAFKA, .properties = h, .n_properties = 1};
    cu_server_def other = {
        .wrapper = CU_W_POSTGRES, .properties = x, .n_properties = 1};
    cu_server_def *servers[] = {&other, &kafka};
    cu_program p = {.servers = servers, .n_servers = 2};
    cr_assert_eq(load("client.id=file\n", "-X client.id=line t"), 0);
    cu_config_of_program(&rig.c, &p);
    cr_assert_str_eq(all(),
                     "security.protocol=SSL client.id=file client.id=line");
}

Test(config, the_servers_are_the_brokers_unless_told)
{
    cr_assert_eq(load("bootstrap.servers=a:9092,b:9092\n", "t"), 0);
    cr_assert_str_eq(rig.c.o.brokers, "a:9092,b:9092");
    cr_assert_eq(load("bootstrap.servers=a:9092\n", "--brokers c:1 t"), 0);
    cr_assert_str_eq(rig.c.o.brokers, "c:1");
}

Test(config, what_stands_on_the_command_line_comes_last_and_wins)
{
    cr_assert_eq(load("client.id=file\n", "-X client.id=line t"), 0);
    cr_assert_str_eq(all(), "client.id=file client.id=line");
}

Test(config, mistakes_have_file_and_line)
{
    cr_assert_eq(load("a=b\n\nnonsense\n", "t"), 2);
    cr_assert_str_eq(cu_rig_said(&rig, 2),
                     "error: c:3: this is not NAME=VALUE\n"
                     "try: cupel help tail\n");
    cr_assert_eq(load("ssl.keystore.location=/etc/store.jks\n", "t"), 2);
    cr_assert(strstr(cu_rig_said(&rig, 2), "c:1: ssl.keystore.location: a "
                                           "Java key store is not supported"));
}
