/* test_stream.c - bodies that go to their handler as they come. */
#include "http/fixture.h"

#include <stdint.h>

#define LINES "Content-Type: application/x-ndjson\r\n"

struct stream_seen {
    atomic_uint begun, ended, aborted;
    atomic_size_t bytes;
    atomic_uint sum; /* of all bytes */
};

static struct seen seen;
static struct stream_seen streams;
static struct http_server *server;
static struct client *client;
static struct reply reply;
static int token;

static void on_data(void *state, const char *bytes, size_t count)
{
    unsigned sum = 0;
    if (state != &token || count == 0)
        abort();
    for (size_t i = 0; i < count; i++)
        sum += (unsigned char)bytes[i];
    atomic_fetch_add(&streams.bytes, count);
    atomic_fetch_add(&streams.sum, sum);
}

static void on_end(void *state, struct http_response *response)
{
    char text[100];
    if (state != &token)
        abort();
    snprintf(text, sizeof(text), "%zu bytes, sum %u", atomic_load(&streams.bytes),
             atomic_load(&streams.sum));
    atomic_fetch_add(&streams.ended, 1);
    text_answer(response, 200, text);
}

static void on_abort(void *state)
{
    if (state != &token)
        abort();
    atomic_fetch_add(&streams.aborted, 1);
}

static const struct http_stream stream = {on_data, on_end, on_abort};

static void handle_stream(void *context, const struct http_request *request,
                          struct http_response *response)
{
    if (!request->streamed) {
        handle_echo(context, request, response);
    } else if (request->param && strcmp(request->param, "none") == 0) {
        text_answer(response, 404, "no such item");
    } else {
        atomic_fetch_add(&streams.begun, 1);
        http_request_stream(request, &stream, &token);
    }
}

static const struct http_route routes[] = {
    {"POST", "/stream/{id}", HTTP_BODY_STREAM, ECHO_LIMIT, handle_stream, HTTP_ROLE_NONE,
     HTTP_LANE_USUAL},
    {"GET", "/echo", HTTP_BODY_NONE, 0, handle_echo, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
};

static int start(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    memset(&streams, 0, sizeof(streams));
    struct http_server_config config = fixture_config(&seen);
    config.routes = routes;
    config.route_count = sizeof(routes) / sizeof(routes[0]);
    config.limits.idle_seconds = 2;
    server = fixture_start(&config);
    client = client_open(server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    client_close(client);
    http_server_stop(server, 200);
    assert_int_equal(atomic_load(&streams.begun),
                     atomic_load(&streams.ended) + atomic_load(&streams.aborted));
    return 0;
}

static void wait_for(atomic_uint *count, unsigned wanted)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < 1000 && atomic_load(count) != wanted; i++)
        nanosleep(&pause, NULL);
    assert_int_equal(atomic_load(count), wanted);
}

static void expect_answer(unsigned status, const char *body)
{
    assert_true(client_read(client, &reply, false));
    assert_int_equal(reply.status, status);
    assert_string_equal(reply.body, body);
}

static void with_a_length(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /stream/a HTTP/1.1\r\nHost: t\r\n" LINES
                                   "Content-Length: 4\r\n\r\n\1\2\3\4"));
    expect_answer(200, "4 bytes, sum 10");
    assert_true(client_say(client, "POST /stream/a HTTP/1.1\r\nHost: t\r\n" LINES
                                   "Content-Length: 0\r\n\r\n"));
    expect_answer(200, "4 bytes, sum 10");
    assert_true(client_keeps_alive(client, &reply));
    assert_int_equal(atomic_load(&streams.ended), 2);
    assert_int_equal(atomic_load(&seen.observed), 3);
}

static void in_chunks(void **state)
{
    static char chunk[8192];
    const unsigned chunks = 2000; /* 16 MiB, far beyond the route's limit and all buffers */
    char want[100];
    (void)state;
    memset(chunk, 3, sizeof(chunk));
    assert_true(client_say(client, "POST /stream/a HTTP/1.1\r\nHost: t\r\nContent-Type: "
                                   "application/jsonl; charset=utf-8\r\nTransfer-Encoding: "
                                   "chunked\r\n\r\n1\r\n\1\r\n"));
    for (unsigned i = 0; i < chunks; i++)
        assert_true(client_say(client, "2000\r\n") && client_send(client, chunk, sizeof(chunk)) &&
                    client_say(client, "\r\n"));
    assert_true(client_say(client, "0\r\n\r\n"));
    snprintf(want, sizeof(want), "%u bytes, sum %u", chunks * 8192 + 1, chunks * 8192 * 3 + 1);
    expect_answer(200, want);
    assert_true(client_keeps_alive(client, &reply));
}

static void expects_continue(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /stream/a HTTP/1.1\r\nHost: t\r\n" LINES
                                   "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    assert_true(client_read(client, &reply, true));
    assert_int_equal(reply.status, 100);
    assert_true(client_say(client, "\1\1"));
    expect_answer(200, "2 bytes, sum 2");
}

static void json_is_collected(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /stream/a HTTP/1.1\r\nHost: t\r\nContent-Type: "
                                   "application/json\r\nContent-Length: 2\r\n\r\n{}"));
    expect_answer(200, "POST|/stream/a|a|2|{}");
    assert_true(client_say(client, "POST /stream/a HTTP/1.1\r\nHost: t\r\n"
                                   "Content-Length: 2\r\n\r\n{}"));
    expect_answer(415, "error 415: the body has no Content-Type: send 'Content-Type: "
                       "application/json' or 'application/x-ndjson' with it");
    assert_true(client_say(client, "POST /stream/a HTTP/1.1\r\nHost: t\r\nContent-Type: "
                                   "application/json\r\nContent-Length: 1001\r\n\r\n"));
    expect_answer(413, "error 413: the body is larger than this path takes");
    assert_int_equal(atomic_load(&streams.begun), 0);
}

static void refusals(void **state)
{
    static const struct {
        const char *headers, *answer;
        unsigned status;
    } cases[] = {
        {LINES,
         "error 411: the request must announce its body with Content-Length or chunked "
         "Transfer-Encoding",
         411},
        {"Content-Type: text/csv\r\nContent-Length: 0\r\n",
         "error 415: the Content-Type must be application/json or application/x-ndjson", 415},
        {"Content-Type: application/x-ndjsonx\r\nContent-Length: 0\r\n",
         "error 415: the Content-Type must be application/json or application/x-ndjson", 415},
        {LINES "Content-Encoding: gzip\r\nContent-Length: 0\r\n",
         "error 415: a body with a Content-Encoding is not understood", 415},
    };
    char request[500];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(request, sizeof(request), "POST /stream/a HTTP/1.1\r\nHost: t\r\n%s\r\n",
                 cases[i].headers);
        assert_true(client_say(client, request));
        expect_answer(cases[i].status, cases[i].answer);
    }
    assert_int_equal(atomic_load(&streams.begun), 0);
}

static void handler_refuses(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /stream/none HTTP/1.1\r\nHost: t\r\n" LINES
                                   "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"));
    expect_answer(404, "no such item");
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    assert_true(client_is_closed(client));
    assert_int_equal(atomic_load(&streams.begun), 0);
}

static void ends_in_the_middle(void **state)
{
    static const char *const beginnings[] = {
        "POST /stream/a HTTP/1.1\r\nHost: t\r\n" LINES "Content-Length: 10\r\n\r\n",
        "POST /stream/a HTTP/1.1\r\nHost: t\r\n" LINES "Content-Length: 10\r\n\r\nabc",
        "POST /stream/a HTTP/1.1\r\nHost: t\r\n" LINES "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        "POST /stream/a HTTP/1.1\r\nHost: t\r\n" LINES
        "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
    };
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct client *own = client_open(server);
        assert_true(client_say(own, beginnings[i]));
        wait_for(&streams.begun, i + 1);
        client_close(own);
        wait_for(&streams.aborted, i + 1);
    }
    assert_int_equal(atomic_load(&streams.ended), 0);
    assert_int_equal(atomic_load(&streams.bytes), 3 + 2 + 2);
}

static void broken_chunks(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /stream/a HTTP/1.1\r\nHost: t\r\n" LINES
                                   "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n"));
    wait_for(&streams.aborted, 1);
    assert_int_equal(atomic_load(&streams.ended), 0);
}

static void silence(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /stream/a HTTP/1.1\r\nHost: t\r\n" LINES
                                   "Content-Length: 10\r\n\r\nabc"));
    wait_for(&streams.aborted, 1);
}

static void server_stops(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /stream/a HTTP/1.1\r\nHost: t\r\n" LINES
                                   "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"));
    wait_for(&streams.begun, 1);
    http_server_stop(server, 100);
    assert_int_equal(atomic_load(&streams.aborted), 1);
    server = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(with_a_length, start, stop),
        cmocka_unit_test_setup_teardown(in_chunks, start, stop),
        cmocka_unit_test_setup_teardown(expects_continue, start, stop),
        cmocka_unit_test_setup_teardown(json_is_collected, start, stop),
        cmocka_unit_test_setup_teardown(refusals, start, stop),
        cmocka_unit_test_setup_teardown(handler_refuses, start, stop),
        cmocka_unit_test_setup_teardown(ends_in_the_middle, start, stop),
        cmocka_unit_test_setup_teardown(broken_chunks, start, stop),
        cmocka_unit_test_setup_teardown(silence, start, stop),
        cmocka_unit_test_setup_teardown(server_stops, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
