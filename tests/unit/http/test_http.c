/* test_http.c - requests, answers and errors of the HTTP server, byte by byte. */
#include "http/fixture.h"

#include <zlib.h>

static struct seen seen;
static struct http_server *server;
static struct client *client;
static struct reply reply;

static int start(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    const struct http_server_config config = fixture_config(&seen);
    server = fixture_start(&config);
    client = client_open(server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    client_close(client);
    http_server_stop(server, 1000);
    return 0;
}

/* Sends a request and expects a status; whether the connection is kept is checked, too. */
static void expect(const char *request, unsigned status, bool kept)
{
    struct client *own = client_open(server);
    assert_true(client_say(own, request));
    assert_true(client_read(own, &reply, false));
    assert_int_equal(reply.status, status);
    if (kept)
        assert_true(client_keeps_alive(own, &(struct reply){0}));
    else
        assert_true(client_is_closed(own));
    client_close(own);
}

static void post_reaches_handler(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: "
                                   "application/json\r\nContent-Length: 11\r\n\r\n{\"a\":[1,2]}"));
    assert_true(client_read(client, &reply, false));
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "POST|/echo|-|11|{\"a\":[1,2]}");
    assert_string_equal(reply_header(&reply, "Content-Type"), "text/plain");
    assert_non_null(reply_header(&reply, "Date"));
    assert_null(reply_header(&reply, "Connection"));
    assert_true(client_keeps_alive(client, &reply));
    assert_int_equal(atomic_load(&seen.observed), 2);
    assert_int_equal(atomic_load(&seen.with_route), 2);
    assert_int_equal(atomic_load(&seen.last_status), 200);
}

static void bodies_of_all_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 1022, 1023, 1024, 1025, 5000, 65536, 200000};
    static char body[200001], head[200];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memset(body, 'x', sizes[i]);
        snprintf(head, sizeof(head), "POST /any HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n",
                 sizes[i]);
        assert_true(client_say(client, head) && client_send(client, body, sizes[i]));
        assert_true(client_read(client, &reply, false));
        assert_int_equal(reply.status, 200);
        const size_t text = strcspn(reply.body, "x");
        assert_int_equal(reply.body_bytes - text, sizes[i]);
    }
}

static void chunked_bodies(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: "
                                   "application/json\r\nTransfer-Encoding: chunked"
                                   "\r\n\r\n3\r\n{\"a\r\n5;x=y\r\n\": 1}\r\n0\r\n\r\n"));
    assert_true(client_read(client, &reply, false));
    assert_string_equal(reply.body, "POST|/echo|-|8|{\"a\": 1}");
    static char chunk[3000];
    memset(chunk, 'y', sizeof(chunk));
    assert_true(client_say(client, "POST /any HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: "
                                   "Chunked\r\n\r\n"));
    for (int i = 0; i < 50; i++)
        assert_true(client_say(client, "bb8\r\n") && client_send(client, chunk, sizeof(chunk)) &&
                    client_say(client, "\r\n"));
    assert_true(client_say(client, "0\r\n\r\n") && client_read(client, &reply, false));
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, "|150000|yyy"));
}

static void slow_body_in_pieces(void **state)
{
    (void)state;
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: "
                                  "application/json\r\nContent-Length: 5\r\n\r\n[1,2]";
    const struct timespec pause = {.tv_nsec = 2000000};
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        assert_true(client_send(client, request + i, 1));
        nanosleep(&pause, NULL);
    }
    assert_true(client_read(client, &reply, false));
    assert_string_equal(reply.body, "POST|/echo|-|5|[1,2]");
}

static void pipelined_requests(void **state)
{
    (void)state;
    char request[100], body[40];
    for (int i = 0; i < 50; i++) {
        snprintf(request, sizeof(request),
                 "POST /any HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\n%03d", i);
        assert_true(client_say(client, request));
    }
    for (int i = 0; i < 50; i++) {
        assert_true(client_read(client, &reply, false));
        snprintf(body, sizeof(body), "POST|/any|-|3|%03d", i);
        assert_string_equal(reply.body, body);
    }
}

static void unknown_path_and_method(void **state)
{
    (void)state;
    expect("GET /missing HTTP/1.1\r\nHost: t\r\n\r\n", 404, true);
    assert_non_null(strstr(reply.body, "error 404: "));
    assert_int_equal(atomic_load(&seen.with_route), 1); /* of the keep-alive check */
    expect("GET /items/ HTTP/1.1\r\nHost: t\r\n\r\n", 404, true);
    expect("GET /items/a/b HTTP/1.1\r\nHost: t\r\n\r\n", 404, true);
    expect("GET /echo/ HTTP/1.1\r\nHost: t\r\n\r\n", 404, true);
    expect("DELETE /echo HTTP/1.1\r\nHost: t\r\n\r\n", 405, true);
    assert_string_equal(reply_header(&reply, "Allow"), "POST, GET, HEAD");
    expect("PUT /items/7 HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n{}", 405, true);
    assert_string_equal(reply_header(&reply, "Allow"), "GET, HEAD");
    expect("GET /any HTTP/1.1\r\nHost: t\r\n\r\n", 405, true);
    assert_string_equal(reply_header(&reply, "Allow"), "POST");
    expect("BREW /any HTTP/1.1\r\nHost: t\r\n\r\n", 405, true);
}

static void refused_bodies_are_dropped(void **state)
{
    (void)state;
    expect("POST /missing HTTP/1.1\r\nHost: t\r\nContent-Length: 7\r\n\r\n{\"a\":1}", 404, true);
    expect("POST /missing HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n{", 404, false);
    expect("POST /missing HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", 404,
           false);
}

static void body_rules(void **state)
{
    (void)state;
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n\r\n", 411, true);
    expect("POST /any HTTP/1.1\r\nHost: t\r\n\r\n", 411, true);
    expect("POST /optional HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n\r\n", 200,
           true);
    assert_string_equal(reply.body, "POST|/optional|-|0|");
    expect("POST /optional HTTP/1.1\r\nHost: t\r\nContent-Type: "
           "application/json\r\nContent-Length: 0\r\n\r\n",
           200, true);
    expect("POST /optional HTTP/1.1\r\nHost: t\r\nContent-Type: "
           "application/json\r\nContent-Length: 2\r\n\r\n{}",
           200, true);
    expect("GET /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", 200, true);
    expect("GET /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nx", 413, false);
    expect("GET /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
           413, false);
}

static void content_types(void **state)
{
    static const struct {
        const char *path, *type;
        unsigned status;
    } cases[] = {
        {"/echo", "application/json", 200},
        {"/echo", "Application/JSON; charset=UTF-8", 200},
        {"/echo", "application/json ;x=\"a;b\"", 200},
        {"/echo", "application/problem+json", 200},
        {"/echo", "application/vnd.a.b+JSON;v=1", 200},
        {"/echo", "text/plain", 415},
        {"/echo", "application/x-www-form-urlencoded", 415},
        {"/echo", "application/jsonx", 415},
        {"/echo", "application/json x", 415},
        {"/echo", "application/+json", 415},
        {"/echo", "json", 415},
        {"/echo", "application/", 415},
        {"/optional", "text/plain", 415},
        {"/optional", "application/json", 200},
        {"/any", "text/plain", 200},
    };
    char request[300];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(request, sizeof(request),
                 "POST %s HTTP/1.1\r\nHost: t\r\nContent-Type: %s\r\nContent-Length: 2\r\n\r\n{}",
                 cases[i].path, cases[i].type);
        expect(request, cases[i].status, true);
    }
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Encoding: "
           "gzip\r\nContent-Length: 2\r\n\r\n{}",
           415, true);
}

static void too_large_is_refused_before_it_is_read(void **state)
{
    (void)state;
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: "
           "1001\r\n\r\n",
           413, false);
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: "
           "18446744073709551615\r\n\r\n",
           413, false);
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nExpect: "
           "100-continue\r\nContent-Length: 5000\r\n\r\n",
           413, false);
    assert_int_equal(reply.body_bytes, strlen(reply.body));
}

/* The answer must not be lost to a reset because the client sends on. */
static void too_large_and_sent_anyway(void **state)
{
    (void)state;
    static char body[4u << 20];
    memset(body, 'z', sizeof(body));
    for (int i = 0; i < 5; i++) {
        struct client *own = client_open(server);
        assert_true(client_say(own, "POST /any HTTP/1.1\r\nHost: t\r\n"
                                    "Content-Length: 4194304\r\n\r\n"));
        assert_true(client_send(own, body, sizeof(body)));
        assert_true(client_read(own, &reply, false));
        assert_int_equal(reply.status, 413);
        client_close(own);
    }
}

static void chunked_body_grows_too_large(void **state)
{
    (void)state;
    static char chunk[4096];
    memset(chunk, 'z', sizeof(chunk));
    const unsigned before = atomic_load(&seen.observed);
    assert_true(client_say(client, "POST /any HTTP/1.1\r\nHost: t\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 300; i++)
        assert_true(client_say(client, "1000\r\n") && client_send(client, chunk, sizeof(chunk)) &&
                    client_say(client, "\r\n"));
    assert_true(client_read(client, &reply, false));
    assert_int_equal(reply.status, 413);
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    assert_non_null(reply_header(&reply, "Date"));
    assert_non_null(strstr(reply.body, "error 413: "));
    assert_true(client_is_closed(client));
    assert_int_equal(atomic_load(&seen.observed), before + 1);
    assert_int_equal(atomic_load(&seen.last_status), 413);
    assert_int_equal(atomic_load(&seen.with_route), 1);
}

static void expect_continue(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: "
                                   "application/json\r\nExpect: 100-continue\r\n"
                                   "Content-Length: 2\r\n\r\n"));
    assert_true(client_read(client, &reply, false));
    assert_int_equal(reply.status, 100);
    assert_true(client_say(client, "{}") && client_read(client, &reply, false));
    assert_int_equal(reply.status, 200);
    expect("POST /missing HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
           404, false);
}

static void ambiguous_framing(void **state)
{
    (void)state;
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: "
           "2\r\nContent-Length: 5\r\n\r\n{}",
           400, false);
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: "
           "2\r\ncontent-length: 2\r\n\r\n{}",
           400, false);
    expect("GET /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n", 400,
           false);
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: "
           "2\r\nTransfer-Encoding: chunked\r\n\r\n"
           "2\r\n{}\r\n0\r\n\r\n",
           400, false);
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nTransfer-Encoding: "
           "gzip, chunked\r\n\r\n",
           501, false);
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nTransfer-Encoding: "
           "identity\r\n\r\n",
           501, false);
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: "
           "-1\r\n\r\n",
           400, false);
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: "
           "1x\r\n\r\n",
           400, false);
    expect("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 2, "
           "2\r\n\r\n{}",
           400, false);
}

static void body_longer_than_announced(void **state)
{
    (void)state;
    assert_true(client_say(client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: "
                                   "application/json\r\nContent-Length: 2\r\n\r\n"
                                   "{}trailing garbage\r\n\r\n"));
    assert_true(client_read(client, &reply, false));
    assert_string_equal(reply.body, "POST|/echo|-|2|{}");
    /* The rest is another request, and a bad one. */
    assert_true(!client_read(client, &reply, false) || reply.status >= 400);
    assert_true(client_is_closed(client));
}

static void paths_are_decoded(void **state)
{
    static const struct {
        const char *target, *body;
    } cases[] = {
        {"/items/abc", "GET|/items/abc|abc|0|"},
        {"/items/a%20b", "GET|/items/a b|a b|0|"},
        {"/items/a%2Fparts", "GET|/items/a/parts|a/parts|0|"},
        {"/items/a%2fb/parts", "GET|/items/a/b/parts|a/b|0|"},
        {"/items/%e2%82%ac?x=1", "GET|/items/\xe2\x82\xac|\xe2\x82\xac|0|"},
        {"/items/a+b", "GET|/items/a+b|a+b|0|"},
        {"/items/%252F", "GET|/items/%2F|%2F|0|"},
        {"/%65cho", "GET|/echo|-|0|"},
        {"http://other:80/echo?x", "GET|/echo|-|0|"},
    };
    char request[300];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", cases[i].target);
        expect(request, 200, true);
        assert_string_equal(reply.body, cases[i].body);
    }
    expect("GET %2Fecho HTTP/1.1\r\nHost: t\r\n\r\n", 404, true);
    expect("GET /items%2Fabc HTTP/1.1\r\nHost: t\r\n\r\n", 404, true);
    expect("GET /items/a%00b HTTP/1.1\r\nHost: t\r\n\r\n", 400, true);
    expect("GET /items/a%zz HTTP/1.1\r\nHost: t\r\n\r\n", 400, true);
    expect("GET /missing/% HTTP/1.1\r\nHost: t\r\n\r\n", 400, true);
    expect("GET /query?a=%0 HTTP/1.1\r\nHost: t\r\n\r\n", 400, true);
    expect("GET /query?a=x%00y HTTP/1.1\r\nHost: t\r\n\r\n", 400, true);
}

static void long_parameters(void **state)
{
    (void)state;
    static char request[3000], expected[3000], name[1201];
    for (size_t bytes = 100; bytes <= 1200; bytes += 11) {
        memset(name, 'n', bytes);
        name[bytes] = '\0';
        snprintf(request, sizeof(request), "GET /items/%s%%21 HTTP/1.1\r\nHost: t\r\n\r\n", name);
        snprintf(expected, sizeof(expected), "GET|/items/%s!|%s!|0|", name, name);
        assert_true(client_say(client, request) && client_read(client, &reply, false));
        assert_string_equal(reply.body, expected);
    }
}

static void queries_and_headers(void **state)
{
    (void)state;
    expect("GET /query HTTP/1.1\r\nHost: t\r\n\r\n", 200, true);
    assert_string_equal(reply.body, "a=(none) b=(none) x=(none)");
    expect("GET /query?b=2&a=1+%2B%26&a=other HTTP/1.1\r\nHost: t\r\nX-TEST: v\r\n\r\n", 200, true);
    assert_string_equal(reply.body, "a=1 +& b=2 x=v");
    expect("GET /query?a&%62=%2Fx HTTP/1.1\r\nHost: t\r\n\r\n", 200, true);
    assert_string_equal(reply.body, "a= b=/x x=(none)");
}

static void answers_of_handlers(void **state)
{
    (void)state;
    expect("GET /nothing HTTP/1.1\r\nHost: t\r\n\r\n", 500, true);
    assert_non_null(strstr(reply.body, "error 500: "));
    expect("GET /empty HTTP/1.1\r\nHost: t\r\n\r\n", 302, true);
    assert_string_equal(reply_header(&reply, "Location"), "/elsewhere");
    assert_string_equal(reply_header(&reply, "Content-Length"), "0");
    expect("GET /headers HTTP/1.1\r\nHost: t\r\n\r\n", 200, true);
    size_t extra = 0;
    for (const char *at = reply.head; (at = strstr(at, "X-Extra: ")); at++)
        extra++;
    assert_int_equal(extra, HTTP_MAX_EXTRA_HEADERS);
    assert_int_equal(strlen(reply_header(&reply, "X-Extra")), HTTP_HEADER_VALUE_BYTES - 1);
}

static void inflate_equals(const struct reply *packed, const struct reply *plain)
{
    static char out[CLIENT_BYTES];
    z_stream stream = {.next_in = (Bytef *)packed->body,
                       .avail_in = (uInt)packed->body_bytes,
                       .next_out = (Bytef *)out,
                       .avail_out = sizeof(out)};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, plain->body_bytes);
    assert_memory_equal(out, plain->body, plain->body_bytes);
    inflateEnd(&stream);
}

static void head_equals_get(void **state)
{
    static const char *const extras[] = {"", "Accept-Encoding: gzip\r\n"};
    char request[200], length[20];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(request, sizeof(request), "GET /big HTTP/1.1\r\nHost: t\r\n%s\r\n", extras[i]);
        expect(request, 200, true);
        snprintf(length, sizeof(length), "%zu", reply.body_bytes);
        snprintf(request, sizeof(request), "HEAD /big HTTP/1.1\r\nHost: t\r\n%s\r\n", extras[i]);
        assert_true(client_say(client, request) && client_read(client, &reply, true));
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply_header(&reply, "Content-Length"), length);
        assert_string_equal(reply_header(&reply, "Vary"), "Accept-Encoding");
        assert_int_equal(reply_header(&reply, "Content-Encoding") != NULL, i);
        assert_true(client_keeps_alive(client, &reply));
    }
    assert_true(client_say(client, "HEAD /missing HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_true(client_read(client, &reply, true));
    assert_int_equal(reply.status, 404);
    assert_true(client_keeps_alive(client, &reply));
}

static void gzip_when_preferred(void **state)
{
    static const struct {
        const char *accept;
        bool gzip;
    } cases[] = {
        {"gzip", true},
        {"deflate, GZIP;q=0.5", true},
        {"x-gzip", true},
        {"*", true},
        {"identity;q=0.2, *;q=0.5", true},
        {"gzip;q=0", false},
        {"gzip;q=0.000, *", false},
        {"*;q=0", false},
        {"identity, gzip;q=0.5", false},
        {"br, deflate", false},
        {"gzipx", false},
        {"", false},
        {"gzip;q=2", false},
        {"gzip ; q=0.001", true},
        {",,gzip", true},
    };
    static struct reply plain;
    char request[200];
    (void)state;
    assert_true(client_say(client, "GET /big HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_true(client_read(client, &plain, false));
    assert_int_equal(plain.body_bytes, BIG_BYTES);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(request, sizeof(request),
                 "GET /big HTTP/1.1\r\nHost: t\r\nAccept-Encoding: %s\r\n\r\n", cases[i].accept);
        assert_true(client_say(client, request) && client_read(client, &reply, false));
        assert_string_equal(reply_header(&reply, "Vary"), "Accept-Encoding");
        const char *encoding = reply_header(&reply, "Content-Encoding");
        if (cases[i].gzip != (encoding != NULL))
            fail_msg("Accept-Encoding: %s gave %s", cases[i].accept, encoding ? "gzip" : "plain");
        if (encoding) {
            assert_string_equal(encoding, "gzip");
            assert_true(reply.body_bytes < BIG_BYTES / 10);
            inflate_equals(&reply, &plain);
        } else {
            assert_memory_equal(reply.body, plain.body, BIG_BYTES);
        }
    }
    assert_true(
        client_say(client, "GET /echo HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n"));
    assert_true(client_read(client, &reply, false));
    assert_null(reply_header(&reply, "Vary"));
    assert_null(reply_header(&reply, "Content-Encoding"));
}

static void http_1_0_and_close(void **state)
{
    (void)state;
    expect("GET /echo HTTP/1.0\r\n\r\n", 200, false);
    expect("GET /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", 200, false);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(post_reaches_handler),
        WITH_SERVER(bodies_of_all_sizes),
        WITH_SERVER(chunked_bodies),
        WITH_SERVER(slow_body_in_pieces),
        WITH_SERVER(pipelined_requests),
        WITH_SERVER(unknown_path_and_method),
        WITH_SERVER(refused_bodies_are_dropped),
        WITH_SERVER(body_rules),
        WITH_SERVER(content_types),
        WITH_SERVER(too_large_is_refused_before_it_is_read),
        WITH_SERVER(too_large_and_sent_anyway),
        WITH_SERVER(chunked_body_grows_too_large),
        WITH_SERVER(expect_continue),
        WITH_SERVER(ambiguous_framing),
        WITH_SERVER(body_longer_than_announced),
        WITH_SERVER(paths_are_decoded),
        WITH_SERVER(long_parameters),
        WITH_SERVER(queries_and_headers),
        WITH_SERVER(answers_of_handlers),
        WITH_SERVER(head_equals_get),
        WITH_SERVER(gzip_when_preferred),
        WITH_SERVER(http_1_0_and_close),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
