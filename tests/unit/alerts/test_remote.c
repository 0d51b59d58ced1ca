/* Unit tests of alerts/remote.c: addresses, and answers of every shape from a socket. */
#include "alerts/remote.h"

#include "system/address.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *port, *named, *prefix;
    } good[] = {
        {"http://localhost:9093", "localhost", "9093", "localhost:9093", ""},
        {"alertmanager:9093", "alertmanager", "9093", "alertmanager:9093", ""},
        {"http://[::1]:80/", "::1", "80", "[::1]:80", ""},
        {"http://am.example/one/two/", "am.example", "80", "am.example", "/one/two"},
        {"127.0.0.1", "127.0.0.1", "80", "127.0.0.1", ""},
    };
    static const char *const bad[] = {"",         "http://", "https://a:1", "a:",      "a:12345678",
                                      "a:x",      ":80",     "[::1:80",     "[::1]80", "a b:1",
                                      "user@a:1", "a:1/x?y", "a:1\r\nX: y"};
    struct remote remote;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(remote_parse(good[i].text, &remote), 0);
        assert_string_equal(remote.host, good[i].host);
        assert_string_equal(remote.port, good[i].port);
        assert_string_equal(remote.named, good[i].named);
        assert_string_equal(remote.prefix, good[i].prefix);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (remote_parse(bad[i], &remote) != -EINVAL)
            fail_msg("taken for an address: %s", bad[i]);
}

/* --- a server of one answer --- */

struct server {
    int fd;
    const char *answer; /* NULL: none, and the connection stays open until the end of the test */
    char asked[4096];
    pthread_t thread;
    struct remote remote;
};

static void *serve(void *context)
{
    struct server *server = context;
    int fd;
    while ((fd = accept(server->fd, NULL, NULL)) < 0)
        usleep(1000);
    size_t got = 0;
    ssize_t n;
    while (!strstr(server->asked, "\r\n\r\n") &&
           (n = recv(fd, server->asked + got, sizeof(server->asked) - got - 1, 0)) > 0)
        got += (size_t)n;
    if (server->answer)
        (void)!write(fd, server->answer, strlen(server->answer));
    else
        usleep(400000);
    close(fd);
    return NULL;
}

static void begin(struct server *server, const char *answer)
{
    char address[HTTP_ADDRESS_BYTES];
    *server = (struct server){.answer = answer};
    assert_int_equal(http_listen("127.0.0.1:0", &server->fd, address), 0);
    assert_int_equal(remote_parse(address, &server->remote), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void end(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->fd);
}

static int ask(struct server *server, unsigned *status, struct buffer *body)
{
    return remote_ask(&server->remote,
                      &(struct remote_request){.method = "POST",
                                               .path = "/p",
                                               .body = "{}",
                                               .body_bytes = 2,
                                               .timeout_ms = 300,
                                               .most_bytes = 1000},
                      status, body);
}

static void test_answers(void **state)
{
    (void)state;
    static char long_answer[2000] = "HTTP/1.0 200 OK\r\n\r\n";
    memset(long_answer + strlen(long_answer), 'x', 1500);
    const struct {
        const char *answer;
        int rc;
        unsigned status;
        const char *body;
    } cases[] = {
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]", 0, 200, "[]"},
        {"HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n", 0, 404, ""},
        {"HTTP/1.0 200 OK\r\n\r\nno length", 0, 200, "no length"},
        {"HTTP/1.0 200 OK\r\nContent-Length: 20\r\n\r\n[1,", -EPROTO, 0, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", -EPROTO, 0, ""},
        {"HTTP/1.0 20", -EPROTO, 0, ""},
        {"HTTP/1.0 999 Odd\r\n\r\n", -EPROTO, 0, ""},
        {"SSH-2.0-OpenSSH\r\n\r\n", -EPROTO, 0, ""},
        {"", -EPROTO, 0, ""},
        {long_answer, -EMSGSIZE, 0, ""},
        {NULL, -ETIMEDOUT, 0, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server server;
        struct buffer body;
        unsigned status = 0;
        buffer_init(&body, 16);
        begin(&server, cases[i].answer);
        assert_int_equal(ask(&server, &status, &body), cases[i].rc);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(body.length, strlen(cases[i].body));
        assert_memory_equal(body.data ? body.data : "", cases[i].body, body.length);
        end(&server);
        assert_int_equal(strncmp(server.asked, "POST /p HTTP/1.0\r\nHost: 127.0.0.1:", 34), 0);
        buffer_finish(&body);
    }
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct server server = {.fd = -1};
    struct buffer body;
    unsigned status;
    buffer_init(&body, 16);
    assert_int_equal(remote_parse("127.0.0.1:1", &server.remote), 0);
    assert_int_equal(ask(&server, &status, &body), -ECONNREFUSED);
    assert_int_equal(remote_parse("no-such-host.invalid:1", &server.remote), 0);
    assert_int_equal(ask(&server, &status, &body), -ECONNREFUSED);
    buffer_finish(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
