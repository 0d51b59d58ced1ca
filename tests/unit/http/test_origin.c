/* test_origin.c - whom requests are for and whose page sent them, case by case. */
#include "http/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ALLOWED "drift.example.com\nservice"

static struct http_announced host(const char *value)
{
    return (struct http_announced){.hosts = 1, .host = value};
}

static unsigned status(struct http_announced announced, const char *method, const char *target)
{
    const struct http_start_line line = {method, target, "HTTP/1.1"};
    const struct http_refusal refusal = http_check_origin(&announced, &line, ALLOWED);
    assert_true(!refusal.status == !refusal.detail);
    return refusal.status;
}

static void hosts_that_are_ours(void **state)
{
    static const char *const hosts[] = {
        "localhost", "LocalHost:8000",      "127.0.0.1:8000", "10.1.2.3", "[::1]",   "[::1]:8000",
        "[fe80::1]", "drift.example.com:1", "service",        "SERVICE:", "0.0.0.0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (status(host(hosts[i]), "POST", "/") != 0)
            fail_msg("%s is refused", hosts[i]);
}

static void hosts_that_are_not(void **state)
{
    static const char *const hosts[] = {
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8000",
        "drift.example.co",
        "drift.example.com.",
        "drift.example.com\nservice",
        "a b",
        "localhost:80a",
        "localhost:800000",
        "localhost:80:80",
        "user@localhost",
        "[::1",
        "[localhost]",
        "[127.0.0.1]",
        "::1",
        "[service]",
        "[::1]x",
        ":8000",
        "127.1",
        "0x7f000001",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (status(host(hosts[i]), "GET", "/") != 403)
            fail_msg("%s is taken", hosts[i]);
}

static void the_host_of_an_absolute_target_counts_too(void **state)
{
    (void)state;
    assert_int_equal(status(host("localhost"), "GET", "http://127.0.0.1:8000/x"), 0);
    assert_int_equal(status(host("localhost"), "GET", "http://evil.example/x"), 403);
    assert_int_equal(status(host("localhost"), "GET", "http://evil.example"), 403);
    assert_int_equal(status(host("localhost"), "GET", "http://evil.example?@localhost/"), 403);
    assert_int_equal(status(host("localhost"), "GET", "http://evil.example@localhost/"), 403);
    assert_int_equal(status(host("localhost"), "GET", "/x?u=http://evil.example/"), 0);
}

static void one_host_exactly(void **state)
{
    struct http_announced two = host("localhost");
    const struct http_start_line old = {"GET", "/", "HTTP/1.0"};
    const struct http_announced none = {0};
    (void)state;
    two.hosts = 2;
    assert_int_equal(status(two, "GET", "/"), 400);
    assert_int_equal(status(none, "GET", "/"), 400);
    assert_int_equal(http_check_origin(&none, &old, NULL).status, 0);
}

static void names_are_refused_where_none_are_allowed(void **state)
{
    const struct http_start_line line = {"GET", "/", "HTTP/1.1"};
    const struct http_announced announced = host("service");
    (void)state;
    assert_int_equal(http_check_origin(&announced, &line, NULL).status, 403);
    assert_int_equal(http_check_origin(&announced, &line, "").status, 403);
}

static void pages_of_other_sites(void **state)
{
    static const struct {
        const char *site, *origin;
        unsigned status;
    } cases[] = {
        {NULL, NULL, 0},
        {NULL, "http://localhost:8000", 0},
        {NULL, "HTTP://LOCALHOST:8000", 0},
        {NULL, "https://localhost:8000", 0}, /* behind a proxy that ends TLS */
        {NULL, "http://localhost:9095", 403},
        {NULL, "http://localhost", 403},
        {NULL, "http://evil.example", 403},
        {NULL, "null", 403},
        {NULL, "", 403},
        {NULL, "localhost:8000", 403},
        {"same-origin", "http://elsewhere", 0},
        {"none", NULL, 0},
        {"same-site", "http://localhost:8000", 403},
        {"cross-site", "http://localhost:8000", 403},
        {"cross-site", NULL, 403},
        {"", NULL, 403},
        {"anything new", NULL, 403},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_announced announced = host("localhost:8000");
        announced.fetch_site = cases[i].site;
        announced.origin = cases[i].origin;
        assert_int_equal(status(announced, "POST", "/"), cases[i].status);
        assert_int_equal(status(announced, "DELETE", "/"), cases[i].status);
        assert_int_equal(status(announced, "GET", "/"), 0);
        assert_int_equal(status(announced, "HEAD", "/"), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_that_are_ours),
        cmocka_unit_test(hosts_that_are_not),
        cmocka_unit_test(the_host_of_an_absolute_target_counts_too),
        cmocka_unit_test(one_host_exactly),
        cmocka_unit_test(names_are_refused_where_none_are_allowed),
        cmocka_unit_test(pages_of_other_sites),
    };
    return cmocka_run_group_tests_name("origin", tests, NULL, NULL);
}
