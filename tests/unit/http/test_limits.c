/* test_limits.c - limits, stopping, the health-check client, and load on the HTTP server. */
#include "http/fixture.h"

#include <pthread.h>
#include <sys/resource.h>

#define LOAD_THREADS  4
#define LOAD_REQUESTS 2000
#define SLOW_REQUEST                                                                               \
    "POST /slow HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: "         \
    "2\r\n\r\n{}"

#define UNFINISHED_BODY                                                                            \
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: "         \
    "10\r\n\r\n{"

static struct seen seen;
static struct reply reply;

static int clear_seen(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    return 0;
}

static void sleep_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static double monotonic_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Waits for a number of open connections: the server sees ends a moment after they happen. */
static void expect_connections(const struct http_server *server, size_t wanted)
{
    for (int i = 0; i < 400 && http_server_connections(server) != wanted; i++)
        sleep_ms(10);
    assert_int_equal(http_server_connections(server), wanted);
}

static void idle_connections_give_way_at_the_limit(void **state)
{
    struct http_server_config config = fixture_config(&seen);
    struct client *clients[4];
    (void)state;
    config.limits.connections = 3;
    struct http_server *server = fixture_start(&config);
    for (int i = 0; i < 3; i++) {
        clients[i] = client_open(server);
        assert_true(client_keeps_alive(clients[i], &reply));
        sleep_ms(20);
    }
    expect_connections(server, 3);
    /* The oldest but one has been idle for longest. */
    assert_true(client_keeps_alive(clients[0], &reply));
    clients[3] = client_open(server);
    assert_true(client_keeps_alive(clients[3], &reply));
    assert_true(client_is_closed(clients[1]));
    assert_true(client_keeps_alive(clients[0], &reply));
    assert_true(client_keeps_alive(clients[2], &reply));
    for (int i = 0; i < 4; i++)
        client_close(clients[i]);
    expect_connections(server, 0);
    http_server_stop(server, 1000);
}

/* Whoever holds all connections with requests that do not end, another one gets in, and the one
 * that gave way is told so. */
static void unfinished_requests_give_way_at_the_limit(void **state)
{
    static const char *const beginnings[] = {"GET /echo HTTP/1.1\r\nHost: t\r\n",
                                             (UNFINISHED_BODY)};
    struct http_server_config config = fixture_config(&seen);
    (void)state;
    config.limits.connections = 1;
    struct http_server *server = fixture_start(&config);
    for (int i = 0; i < 2; i++) {
        struct client *slow = client_open(server);
        assert_true(client_say(slow, beginnings[i]));
        expect_connections(server, 1);
        sleep_ms(20);
        struct client *other = client_open(server);
        assert_true(client_read(slow, &reply, false));
        assert_int_equal(reply.status, 503);
        assert_string_equal(reply_header(&reply, "Retry-After"), "1");
        assert_true(client_is_closed(slow));
        assert_true(client_keeps_alive(other, &reply));
        assert_int_equal(atomic_load(&seen.last_status), 200);
        client_close(slow);
        client_close(other);
        expect_connections(server, 0);
    }
    assert_int_equal(atomic_load(&seen.observed), 4);
    http_server_stop(server, 1000);
}

/* A handler that runs is not disturbed: the new connection is refused instead. */
static void working_connections_do_not_give_way(void **state)
{
    struct http_server_config config = fixture_config(&seen);
    (void)state;
    config.limits.connections = 1;
    struct http_server *server = fixture_start(&config);
    struct client *working = client_open(server);
    assert_true(client_say(working, SLOW_REQUEST));
    for (int i = 0; i < 200 && !atomic_load(&seen.slow_running); i++)
        sleep_ms(1);
    struct client *other = client_open(server);
    assert_true(client_is_closed(other));
    assert_true(client_read(working, &reply, false));
    assert_int_equal(reply.status, 200);
    client_close(working);
    client_close(other);
    http_server_stop(server, 1000);
}

static bool has_answer(const struct client *client)
{
    char byte;
    return recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* A slow handler beside the only worker holds up nobody, and too many of them are refused. */
static void slow_handlers_run_aside(void **state)
{
    static struct client *clients[40];
    const size_t count = sizeof(clients) / sizeof(clients[0]);
    struct http_server_config config = fixture_config(&seen);
    size_t answered = 0, refused = 0;
    (void)state;
    config.limits.threads = 1;
    struct http_server *server = fixture_start(&config);
    for (size_t i = 0; i < count; i++) {
        clients[i] = client_open(server);
        assert_true(client_say(clients[i], "POST /aside HTTP/1.1\r\nHost: t\r\nContent-Type: "
                                           "application/json\r\nContent-Length: 2\r\n\r\n{}"));
    }
    struct client *other = client_open(server);
    assert_true(client_keeps_alive(other, &reply));
    /* Two run and 32 wait; the threads may have taken theirs a little late. */
    for (int look = 0; look < 1000 && answered < count - 34; look++) {
        answered = 0;
        for (size_t i = 0; i < count; i++)
            answered += has_answer(clients[i]);
        sleep_ms(5);
    }
    assert_in_range(answered, count - 34, count - 32);
    atomic_store(&seen.release, 1);
    for (size_t i = 0; i < count; i++) {
        assert_true(client_read(clients[i], &reply, false));
        assert_true(reply.status == 200 || reply.status == 503);
        refused += reply.status == 503;
        client_close(clients[i]);
    }
    assert_int_equal(refused, answered);
    client_close(other);
    http_server_stop(server, 1000);
}

/* Four requests of 0.3 s each for one worker: the last one would wait for more than half a second.
 * A probe does not wait for them. */
static void requests_that_wait_for_long_are_refused(void **state)
{
    struct http_server_config config = fixture_config(&seen);
    struct client *clients[4];
    unsigned refused = 0;
    (void)state;
    config.limits.threads = 1;
    struct http_server *server = fixture_start(&config);
    for (int i = 0; i < 4; i++) {
        clients[i] = client_open(server);
        assert_true(client_say(clients[i], SLOW_REQUEST));
    }
    struct client *probe = client_open(server);
    assert_true(client_say(probe, "GET /probe HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_true(client_read(probe, &reply, false));
    assert_int_equal(reply.status, 200);
    for (int i = 0; i < 4; i++) {
        assert_true(client_read(clients[i], &reply, false));
        assert_true(reply.status == 200 || reply.status == 503);
        refused += reply.status == 503;
        client_close(clients[i]);
    }
    assert_int_equal(reply.status, 503);
    assert_string_equal(reply_header(&reply, "Retry-After"), "1");
    assert_int_equal(http_server_shed(server), refused);
    client_close(probe);
    http_server_stop(server, 1000);
}

/* Each answer is larger than all buffers of the two sockets, so it stays in our memory. */
static void answers_that_nobody_reads_are_bounded(void **state)
{
    struct http_server_config config = fixture_config(&seen);
    struct client *clients[3];
    (void)state;
    struct http_server *server = fixture_start(&config);
    for (int i = 0; i < 2; i++) {
        clients[i] = client_open(server);
        assert_true(client_say(clients[i], "GET /huge HTTP/1.1\r\nHost: t\r\n\r\n"));
    }
    for (int i = 0; i < 1000 && atomic_load(&seen.observed) < 2; i++)
        sleep_ms(5);
    clients[2] = client_open(server);
    assert_true(client_say(clients[2], "GET /huge HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_true(client_read(clients[2], &reply, false));
    assert_int_equal(reply.status, 503);
    assert_string_equal(reply_header(&reply, "Retry-After"), "1");
    assert_int_equal(atomic_load(&seen.last_status), 503);
    assert_true(client_keeps_alive(clients[2], &reply));
    for (int i = 0; i < 3; i++)
        client_close(clients[i]);
    expect_connections(server, 0);
    struct client *again = client_open(server);
    assert_true(client_say(again, "GET /huge HTTP/1.1\r\nHost: t\r\n\r\n"));
    for (int i = 0; i < 1000 && atomic_load(&seen.last_status) != 200; i++)
        sleep_ms(5);
    client_close(again);
    http_server_stop(server, 1000);
}

static void connections_per_address(void **state)
{
    struct http_server_config config = fixture_config(&seen);
    (void)state;
    config.limits.connections_per_address = 2;
    config.limits.count_loopback = true;
    struct http_server *server = fixture_start(&config);
    struct client *a = client_open(server), *b = client_open(server);
    assert_true(client_keeps_alive(a, &reply) && client_keeps_alive(b, &reply));
    struct client *c = client_open(server);
    assert_true(client_is_closed(c));
    assert_true(client_keeps_alive(a, &reply));
    client_close(a);
    client_close(b);
    client_close(c);
    http_server_stop(server, 1000);
}

static void idle_connections_are_closed(void **state)
{
    static const char *const beginnings[] = {
        "", "GET /ec", "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n",
        (UNFINISHED_BODY)};
    struct http_server_config config = fixture_config(&seen);
    struct client *clients[4];
    (void)state;
    config.limits.idle_seconds = 1;
    struct http_server *server = fixture_start(&config);
    for (int i = 0; i < 4; i++) {
        clients[i] = client_open(server);
        assert_true(client_say(clients[i], beginnings[i]));
    }
    sleep_ms(500);
    assert_int_equal(http_server_connections(server), 4);
    expect_connections(server, 0);
    for (int i = 0; i < 4; i++)
        client_close(clients[i]);
    http_server_stop(server, 1000);
}

/* Sends a header of about the given size in lines of the given size: the status, 0 when closed
 * without an answer. */
static unsigned status_of_header(const struct http_server *server, size_t bytes, size_t line)
{
    static char request[200000];
    size_t used = (size_t)sprintf(request, "GET /echo HTTP/1.1\r\nHost: t\r\n");
    for (int i = 0; used + line + 2 < bytes; i++) {
        const size_t begin = used;
        used += (size_t)sprintf(request + used, "a%d:", i);
        while (used < begin + line - 2)
            request[used++] = 'h';
        used += (size_t)sprintf(request + used, "\r\n");
    }
    used += (size_t)sprintf(request + used, "\r\n");
    struct client *client = client_open(server);
    /* The server may answer and close before all is sent. */
    client_send(client, request, used);
    const bool answered = client_read(client, &reply, false);
    client_close(client);
    return answered ? reply.status : 0;
}

static void header_limit(void **state)
{
    const struct http_server_config config = fixture_config(&seen);
    (void)state;
    struct http_server *server = fixture_start(&config);
    for (size_t bytes = 100; bytes < 4000; bytes += 97)
        assert_int_equal(status_of_header(server, bytes, 120), 200);
    assert_int_equal(status_of_header(server, 4000, 3900), 200);
    /* From just beyond the limit to far beyond the room of a connection. */
    for (size_t bytes = 4300; bytes < 12000; bytes += 61)
        assert_int_equal(status_of_header(server, bytes, 80), 431);
    for (size_t bytes = 4300; bytes < 12000; bytes += 611)
        assert_int_equal(status_of_header(server, bytes, bytes - 100), 431);
    assert_int_equal(status_of_header(server, 150000, 500), 431);
    http_server_stop(server, 1000);
}

/* Each field takes room beside its bytes, so their number is limited, too. Parameters and cookies
 * take none. */
static void very_many_fields(void **state)
{
    static const struct {
        const char *begin, *item, *end;
        int most;
    } cases[] = {
        {"GET /headers HTTP/1.1\r\nHost: t\r\n", "a:\r\n", "\r\n", 99},
        {"GET /headers?", "a&", "a HTTP/1.1\r\nHost: t\r\n\r\n", 250},
        {"GET /headers HTTP/1.1\r\nHost: t\r\nCookie: ", "a=b; ", "a=b\r\n\r\n", 250},
    };
    const struct http_server_config config = fixture_config(&seen);
    (void)state;
    struct http_server *server = fixture_start(&config);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int items = 0; items < 250; items++) {
            char request[8000];
            size_t used = (size_t)sprintf(request, "%s", cases[i].begin);
            for (int j = 0; j < items; j++)
                used += (size_t)sprintf(request + used, "%s", cases[i].item);
            sprintf(request + used, "%s", cases[i].end);
            struct client *client = client_open(server);
            client_say(client, request);
            assert_true(client_read(client, &reply, false));
            client_close(client);
            assert_int_equal(reply.status, items > cases[i].most ? 431 : 200);
        }
    http_server_stop(server, 1000);
}

static void long_targets(void **state)
{
    const struct http_server_config config = fixture_config(&seen);
    static char request[70000];
    (void)state;
    struct http_server *server = fixture_start(&config);
    for (size_t bytes = 3000; bytes < 66000; bytes += 1111) {
        struct client *client = client_open(server);
        memset(request, 'p', sizeof(request));
        memcpy(request, "GET /items/", 11);
        strcpy(request + bytes, " HTTP/1.1\r\nHost: t\r\n\r\n");
        client_send(client, request, strlen(request));
        assert_true(client_read(client, &reply, false));
        if (bytes < 4000)
            assert_int_equal(reply.status, 200);
        else
            assert_int_equal(reply.status, 414);
        client_close(client);
    }
    http_server_stop(server, 1000);
}

static void garbage(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
    } cases[] = {
#define BYTES(literal) {literal, sizeof(literal) - 1}
        BYTES("\r\n\r\n\r\n\r\n"),
        BYTES("GET\r\n\r\n"),
        BYTES("GET /echo\r\n\r\n"),
        BYTES(" / HTTP/1.1\r\n\r\n"),
        BYTES("GET /echo HTTP/9.9\r\nHost: t\r\n\r\n"),
        BYTES("GET /echo HTTP/1.1\r\nno colon\r\n\r\n"),
        BYTES("GET /echo HTTP/1.1\r\n: no name\r\n\r\n"),
        BYTES("GET /ec\0ho HTTP/1.1\r\nHost: t\r\n\r\n"),
        BYTES("GET /echo HTTP/1.1\r\nHo\0st: t\r\nA: \0\r\n\r\n"),
        BYTES("GET /echo HTTP/1.1\r\nHost: t\r\n folded\r\n\r\n"),
        BYTES("GET /query?&&=&=a&%3d HTTP/1.1\r\nHost: t\r\n\r\n"),
        BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        BYTES("POST /any HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
        BYTES("POST /any HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
              "ffffffffffffffffff\r\n"),
        BYTES("POST /any HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n"),
        BYTES("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n"),
        BYTES("GET http:// HTTP/1.1\r\nHost: t\r\n\r\n"),
        BYTES("GET ?a=%41 HTTP/1.1\r\nHost: t\r\n\r\n"),
    };
    const struct http_server_config config = fixture_config(&seen);
    (void)state;
    struct http_server *server = fixture_start(&config);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client *client = client_open(server);
        assert_true(client_send(client, cases[i].text, cases[i].bytes));
        shutdown(client->fd, SHUT_WR);
        while (client_read(client, &reply, false))
            assert_in_range(reply.status, 200, 599);
        client_close(client);
    }
    struct client *client = client_open(server);
    assert_true(client_keeps_alive(client, &reply));
    client_close(client);
    expect_connections(server, 0);
    http_server_stop(server, 1000);
}

/* Clients that go away at every stage: no signal, no leak, no stuck connection. */
static void clients_that_vanish(void **state)
{
    static const char whole[] =
        "POST /any HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n\r\n12345";
    const struct linger reset = {.l_onoff = 1};
    const struct http_server_config config = fixture_config(&seen);
    (void)state;
    struct http_server *server = fixture_start(&config);
    for (size_t bytes = 0; bytes < sizeof(whole); bytes += 3) {
        struct client *client = client_open(server);
        client_send(client, whole, bytes);
        if (bytes % 2)
            setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        client_close(client);
    }
    for (int i = 0; i < 20; i++) {
        struct client *client = client_open(server);
        for (int j = 0; j < 20; j++)
            client_say(client, "GET /big HTTP/1.1\r\nHost: t\r\n\r\n");
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        client_close(client);
    }
    expect_connections(server, 0);
    http_server_stop(server, 1000);
}

/* A client that closes its sending side with its last request still gets the answer and then the
 * end of the connection, long before the idle timeout. */
static void half_closed_connections_end(void **state)
{
    const struct http_server_config config = fixture_config(&seen);
    (void)state;
    struct http_server *server = fixture_start(&config);
    for (int i = 0; i < 60; i++) {
        struct client *client = client_open(server);
        assert_true(client_say(client, "GET /echo HTTP/1.1\r\nHost: t\r\n\r\n"));
        shutdown(client->fd, SHUT_WR);
        assert_true(client_read(client, &reply, false));
        assert_int_equal(reply.status, 200);
        client_close(client);
    }
    expect_connections(server, 0);
    http_server_stop(server, 1000);
}

/* The beginning of a request whose body is awaited: the server has said so. */
static void begin_request(struct client *client)
{
    assert_true(client_say(client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Type: "
                                   "application/json\r\nExpect: 100-continue\r\n"
                                   "Content-Length: 4\r\n\r\n"));
    assert_true(client_read(client, &reply, false));
    assert_int_equal(reply.status, 100);
    assert_true(client_say(client, "[1"));
}

struct stopping {
    struct http_server *server;
    unsigned grace_ms;
    double seconds;
    pthread_t thread;
};

static void *run_stop(void *argument)
{
    struct stopping *stopping = argument;
    const double start = monotonic_seconds();
    http_server_stop(stopping->server, stopping->grace_ms);
    stopping->seconds = monotonic_seconds() - start;
    return NULL;
}

static void stop_waits_for_requests(void **state)
{
    const struct http_server_config config = fixture_config(&seen);
    char address[HTTP_ADDRESS_BYTES];
    (void)state;
    struct stopping stopping = {.server = fixture_start(&config), .grace_ms = 5000};
    snprintf(address, sizeof(address), "%s", http_server_address(stopping.server));
    struct client *idle = client_open(stopping.server), *slow = client_open(stopping.server),
                  *sending = client_open(stopping.server);
    assert_true(client_keeps_alive(idle, &reply));
    begin_request(sending);
    assert_true(client_say(slow, SLOW_REQUEST));
    for (int i = 0; i < 200 && !atomic_load(&seen.slow_running); i++)
        sleep_ms(5);
    assert_int_equal(pthread_create(&stopping.thread, NULL, run_stop, &stopping), 0);
    sleep_ms(100);
    assert_int_equal(dial(address), -1);
    assert_true(client_read(slow, &reply, false));
    assert_string_equal(reply.body, "slow");
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    assert_true(client_say(sending, ",2") && client_read(sending, &reply, false));
    assert_string_equal(reply.body, "POST|/echo|-|4|[1,2");
    pthread_join(stopping.thread, NULL);
    assert_true(stopping.seconds < 4.0);
    assert_true(client_is_closed(idle));
    client_close(idle);
    client_close(slow);
    client_close(sending);
}

static void stop_without_requests_is_immediate(void **state)
{
    const struct http_server_config config = fixture_config(&seen);
    (void)state;
    struct stopping stopping = {.server = fixture_start(&config), .grace_ms = 10000};
    struct client *idle = client_open(stopping.server), *silent = client_open(stopping.server);
    assert_true(client_keeps_alive(idle, &reply));
    run_stop(&stopping);
    assert_true(stopping.seconds < 4.0);
    assert_true(client_is_closed(idle) && client_is_closed(silent));
    client_close(idle);
    client_close(silent);
    http_server_stop(NULL, 0);
}

static void stop_gives_up_after_grace(void **state)
{
    const struct http_server_config config = fixture_config(&seen);
    (void)state;
    struct stopping stopping = {.server = fixture_start(&config), .grace_ms = 200};
    struct client *client = client_open(stopping.server);
    begin_request(client);
    run_stop(&stopping);
    assert_true(stopping.seconds >= 0.2 && stopping.seconds < 4.0);
    assert_true(client_is_closed(client));
    client_close(client);
}

static void start_errors(void **state)
{
    static const char *const wrong[] = {
        "",         "127.0.0.1", "127.0.0.1:", ":8000",        "[::1:8000",     "127.0.0.1:70000",
        "::1:8000", "[::1]8000", "a:1",        "127.0.0.1:-1", "127.0.0.1: 80", "127.1:80"};
    struct http_server_config config = fixture_config(&seen);
    struct http_server *server = NULL, *unset = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        config.listen = wrong[i];
        assert_int_equal(http_server_start(&config, &unset), -EINVAL);
    }
    config.listen = "192.0.2.1:0";
    assert_int_equal(http_server_start(&config, &unset), -EADDRNOTAVAIL);
    config.listen = "localhost:0";
    server = fixture_start(&config);
    assert_memory_equal(http_server_address(server), "127.0.0.1:", 10);
    config.listen = http_server_address(server);
    assert_int_equal(http_server_start(&config, &unset), -EADDRINUSE);
    http_server_stop(server, 0);
    config.listen = "127.0.0.1:0";
    config.limits.threads = 65;
    assert_int_equal(http_server_start(&config, &unset), -EINVAL);
    config.limits.threads = 1;
    config.limits.connections = 999999;
    const struct rlimit limit = {256, 256};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(http_server_start(&config, &unset), -EMFILE);
    assert_null(unset);
}

static void health_client(void **state)
{
    struct http_server_config config = fixture_config(&seen);
    unsigned status = 7;
    (void)state;
    config.limits.threads = 1;
    struct http_server *server = fixture_start(&config);
    const char *address = http_server_address(server);
    assert_int_equal(http_get_status(address, "/echo", 2000, &status), 0);
    assert_int_equal(status, 200);
    assert_int_equal(http_get_status(address, "/missing?x=1", 2000, &status), 0);
    assert_int_equal(status, 404);
    status = 7;
    assert_int_equal(http_get_status(address, "echo", 2000, &status), -EINVAL);
    assert_int_equal(http_get_status(address, "/e\r\nX: y", 2000, &status), -EINVAL);
    assert_int_equal(http_get_status("nonsense", "/echo", 2000, &status), -EINVAL);
    char gone[HTTP_ADDRESS_BYTES];
    snprintf(gone, sizeof(gone), "%s", address);
    http_server_stop(server, 1000);
    assert_int_equal(http_get_status(gone, "/echo", 2000, &status), -ECONNREFUSED);
    assert_int_equal(status, 7);
}

/* A peer that accepts and says what it is told, or nothing. */
static void health_client_and_bad_peers(void **state)
{
    static const char *const lines[] = {"", "SSH-2.0-x\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1"};
    char address[HTTP_ADDRESS_BYTES];
    unsigned status = 7;
    int fd;
    (void)state;
    assert_int_equal(http_listen("127.0.0.1:0", &fd, address), 0);
    const double start = monotonic_seconds();
    assert_int_equal(http_get_status(address, "/", 200, &status), -ETIMEDOUT);
    assert_true(monotonic_seconds() - start < 20.0);
    close(fd);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(http_listen("127.0.0.1:0", &fd, address), 0);
        const pid_t child = fork();
        if (child == 0) {
            int peer = -1;
            for (int j = 0; j < 500 && peer < 0; j++) {
                peer = accept(fd, NULL, NULL);
                sleep_ms(2);
            }
            char request[200];
            _exit(recv(peer, request, sizeof(request), 0) > 0 &&
                          send(peer, lines[i], strlen(lines[i]), MSG_NOSIGNAL) >= 0
                      ? 0
                      : 1);
        }
        close(fd);
        assert_int_equal(http_get_status(address, "/", 3000, &status), -EPROTO);
    }
    assert_int_equal(status, 7);
}

static void ipv6(void **state)
{
    struct http_server_config config = fixture_config(&seen);
    struct http_server *server = NULL;
    unsigned status = 0;
    (void)state;
    config.listen = "[::1]:0";
    const int rc = http_server_start(&config, &server);
    if (rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT)
        skip();
    assert_int_equal(rc, 0);
    assert_memory_equal(http_server_address(server), "[::1]:", 6);
    assert_int_equal(http_get_status(http_server_address(server), "/echo", 2000, &status), 0);
    assert_int_equal(status, 200);
    http_server_stop(server, 1000);
}

struct load {
    struct http_server *server;
    pthread_t thread;
    unsigned number, right;
};

/* Keep-alive requests with bodies of changing size, reconnecting now and then; no cmocka here. */
static void *run_load(void *argument)
{
    struct load *load = argument;
    struct client *client = calloc(1, sizeof(*client));
    struct reply *answer = malloc(sizeof(*answer));
    char *request = malloc(8000), *body = malloc(4001), *expected = malloc(8000);
    client->fd = dial(http_server_address(load->server));
    for (unsigned i = 0; i < LOAD_REQUESTS; i++) {
        const size_t bytes = i * 7919u % 4000u;
        memset(body, 'a' + (int)(i + load->number) % 26, bytes);
        body[bytes] = '\0';
        snprintf(request, 8000, "POST /any HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n%s",
                 bytes, body);
        snprintf(expected, 8000, "POST|/any|-|%zu|%s", bytes, body);
        if (client_say(client, request) && client_read(client, answer, false))
            load->right += strcmp(answer->body, expected) == 0;
        if (i % 100 == 99) {
            close(client->fd);
            client->bytes = 0;
            client->fd = dial(http_server_address(load->server));
        }
    }
    client_close(client);
    free(answer);
    free(request);
    free(body);
    free(expected);
    return NULL;
}

static void concurrent_load(void **state)
{
    struct http_server_config config = fixture_config(&seen);
    struct load loads[LOAD_THREADS];
    (void)state;
    config.limits.threads = 4;
    struct http_server *server = fixture_start(&config);
    for (unsigned i = 0; i < LOAD_THREADS; i++) {
        loads[i] = (struct load){.server = server, .number = i};
        assert_int_equal(pthread_create(&loads[i].thread, NULL, run_load, &loads[i]), 0);
    }
    for (unsigned i = 0; i < LOAD_THREADS; i++) {
        pthread_join(loads[i].thread, NULL);
        assert_int_equal(loads[i].right, LOAD_REQUESTS);
    }
    expect_connections(server, 0);
    http_server_stop(server, 1000);
    assert_int_equal(atomic_load(&seen.observed), LOAD_THREADS * LOAD_REQUESTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(idle_connections_give_way_at_the_limit, clear_seen),
        cmocka_unit_test_setup(unfinished_requests_give_way_at_the_limit, clear_seen),
        cmocka_unit_test_setup(working_connections_do_not_give_way, clear_seen),
        cmocka_unit_test_setup(slow_handlers_run_aside, clear_seen),
        cmocka_unit_test_setup(requests_that_wait_for_long_are_refused, clear_seen),
        cmocka_unit_test_setup(answers_that_nobody_reads_are_bounded, clear_seen),
        cmocka_unit_test_setup(connections_per_address, clear_seen),
        cmocka_unit_test_setup(idle_connections_are_closed, clear_seen),
        cmocka_unit_test_setup(header_limit, clear_seen),
        cmocka_unit_test_setup(very_many_fields, clear_seen),
        cmocka_unit_test_setup(long_targets, clear_seen),
        cmocka_unit_test_setup(garbage, clear_seen),
        cmocka_unit_test_setup(clients_that_vanish, clear_seen),
        cmocka_unit_test_setup(half_closed_connections_end, clear_seen),
        cmocka_unit_test_setup(stop_waits_for_requests, clear_seen),
        cmocka_unit_test_setup(stop_without_requests_is_immediate, clear_seen),
        cmocka_unit_test_setup(stop_gives_up_after_grace, clear_seen),
        cmocka_unit_test_setup(health_client, clear_seen),
        cmocka_unit_test_setup(health_client_and_bad_peers, clear_seen),
        cmocka_unit_test_setup(ipv6, clear_seen),
        cmocka_unit_test_setup(concurrent_load, clear_seen),
        cmocka_unit_test_setup(start_errors, clear_seen), /* lowers the limit of open files */
    };
    return cmocka_run_group_tests_name("http_limits", tests, NULL, NULL);
}
