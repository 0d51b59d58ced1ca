/* receive.c - takes a request in, from stage to stage: its head, its body, its turn. */
#include "http/access.h"
#include "http/connection.h"
#include "http/origin.h"

#include <stdlib.h>
#include <string.h>

/* A refused body up to this size is read and dropped, so that the connection can be kept. */
#define DROP_BYTES (64u << 10)
/* A request that has waited for its turn for longer is refused: the server has more to do than it
 * can, and would answer everybody late. */
#define MOST_WAIT_MS 500

static const struct http_refusal not_open = {503, "the models are being loaded: try again"};
static const struct http_refusal waited = {
    503, "too many requests wait for their turn, and this one has waited for too long"};
static const struct http_refusal too_slow = {408, "the request did not arrive in time"};
static const struct http_refusal gave_way = {503, "there are too many connections: try again"};
static const struct http_refusal too_many_slow = {
    503, "too many requests of this kind wait already: try again"};

/* --- ends --- */

static bool refuse(struct connection *connection, struct http_refusal refusal)
{
    connection->refusal = refusal;
    connection->must_close = true;
    http_stream_abort(connection);
    http_answer_refusal(connection);
    return true;
}

/* The connection has been cut: answers where a request has begun, and closes it. */
static bool end_cut(struct connection *connection)
{
    const unsigned status = atomic_load_explicit(&connection->cut_status, memory_order_relaxed);
    if (!status) {
        http_connection_close(connection);
        return false;
    }
    return refuse(connection, status == too_slow.status ? too_slow : gave_way);
}

static bool enter(struct connection *connection, enum http_phase phase)
{
    return http_progress_enter(&connection->progress, phase);
}

/* --- the head --- */

static void read_announced(struct connection *connection)
{
    const struct http_head *head = &connection->head;
    memset(&connection->announced, 0, sizeof(connection->announced));
    connection->announced.old = head->minor == 0;
    for (size_t i = 0; i < head->field_count; i++)
        http_announced_read(&connection->announced, head->fields[i].name,
                            head->fields[i].name_bytes, head->fields[i].value);
}

static struct http_refusal check_request(struct connection *connection)
{
    const struct http_announced *announced = &connection->announced;
    const struct http_server_config *config = &connection->server->config;
    const struct http_start_line line = {connection->head.method, connection->head.target,
                                         announced->old ? "HTTP/1.0" : "HTTP/1.1"};
    struct http_refusal refusal = http_check_framing(announced);
    if (refusal.status) {
        connection->must_close = true;
        return refusal;
    }
    const struct http_refusal stranger = http_check_origin(announced, &line, config->allowed_hosts);
    /* A route is looked for in any case: answers are counted by it. */
    refusal = http_find_target(connection);
    connection->must_close |= stranger.status == 400;
    if (stranger.status)
        return stranger;
    if (!refusal.status)
        refusal =
            http_check_access(config->tokens, connection->route->role, announced->authorization);
    if (!refusal.status && connection->route->role != HTTP_ROLE_NONE &&
        !atomic_load_explicit(&connection->server->open_to_all, memory_order_acquire))
        return not_open;
    return refusal.status ? refusal : http_check_body(connection->route, announced);
}

/* Whether a refused request's body is to be read and dropped before the answer. */
static bool can_drop(const struct connection *connection)
{
    const struct http_announced *announced = &connection->announced;
    return !connection->must_close && !announced->codings && !announced->expects_continue &&
           announced->length <= DROP_BYTES && connection->refusal.status != 413;
}

static bool begin_refused(struct connection *connection)
{
    if (!http_announced_body(&connection->announced) || !can_drop(connection)) {
        connection->must_close |= http_announced_body(&connection->announced);
        http_answer_refusal(connection);
        return true;
    }
    connection->dropping = true;
    connection->stage = HTTP_STAGE_BODY;
    return enter(connection, HTTP_PHASE_BODY) || end_cut(connection);
}

/* The body is complete, or there is none. */
static bool ready(struct connection *connection)
{
    if (!enter(connection, HTTP_PHASE_WORK))
        return end_cut(connection);
    switch (connection->route->lane) {
    case HTTP_LANE_PROBE:
        http_answer(connection);
        return true;
    case HTTP_LANE_SLOW:
        connection->stage = HTTP_STAGE_ASIDE;
        if (http_aside_take(connection->server->aside, connection))
            return false;
        connection->refusal = too_many_slow;
        http_answer_refusal(connection);
        return true;
    default:
        connection->stage = HTTP_STAGE_TURN;
        http_worker_queue(connection);
        return false;
    }
}

static bool begin_body(struct connection *connection)
{
    const bool waits =
        connection->announced.expects_continue && connection->input_bytes == connection->taken;
    if (http_body_begin(connection))
        return ready(connection);
    connection->stage = HTTP_STAGE_BODY;
    if (!enter(connection, HTTP_PHASE_BODY))
        return end_cut(connection);
    if (waits)
        http_send_continue(connection);
    return true;
}

static bool begin_stream(struct connection *connection)
{
    const bool waits =
        connection->announced.expects_continue && connection->input_bytes == connection->taken;
    http_stream_begin(connection);
    if (!connection->stream)
        return true;
    connection->stage = HTTP_STAGE_STREAM;
    if (!enter(connection, HTTP_PHASE_STREAM))
        return end_cut(connection);
    if (waits)
        http_send_continue(connection);
    return true;
}

static bool begin(struct connection *connection)
{
    connection->taken = connection->head.bytes;
    connection->body = connection->input + connection->taken;
    read_announced(connection);
    connection->refusal = check_request(connection);
    if (connection->refusal.status)
        return begin_refused(connection);
    if (http_body_is_streamed(connection->route, &connection->announced))
        return begin_stream(connection);
    return http_announced_body(&connection->announced) ? begin_body(connection) : ready(connection);
}

static bool step_head(struct connection *connection)
{
    struct http_head *head = &connection->head;
    enum http_reading reading = HTTP_READING_MORE;
    if (connection->input_bytes) {
        atomic_store_explicit(&connection->busy, true, memory_order_relaxed);
        reading = http_head_read(head, connection->input, connection->input_bytes,
                                 connection->server->config.limits.header_bytes);
    }
    if (reading == HTTP_READING_DONE)
        return begin(connection);
    if (reading == HTTP_READING_WRONG)
        return refuse(connection, head->refusal);
    if (connection->input_bytes && http_progress_phase(&connection->progress) == HTTP_PHASE_IDLE &&
        !enter(connection, HTTP_PHASE_HEADER))
        return end_cut(connection);
    return http_socket_read_input(connection);
}

/* --- stages --- */

static bool step_body(struct connection *connection)
{
    switch (http_body_read(connection)) {
    case HTTP_READING_DONE:
        if (!connection->dropping)
            return ready(connection);
        http_answer_refusal(connection);
        return true;
    case HTTP_READING_WRONG:
        return refuse(connection, connection->refusal);
    default:
        return false;
    }
}

static bool step_stream(struct connection *connection)
{
    switch (http_stream_piece(connection)) {
    case HTTP_READING_DONE:
        if (!enter(connection, HTTP_PHASE_WORK))
            return end_cut(connection);
        http_answer(connection);
        return true;
    case HTTP_READING_WRONG:
        return refuse(connection, connection->chunks.refusal);
    case HTTP_READING_PIECE:
        /* The next piece comes after the turns of others. */
        http_worker_queue(connection);
        return false;
    default:
        return false;
    }
}

/* Whoever has waited for long has often gone, or asks again: others are served instead. */
static bool step_turn(struct connection *connection)
{
    if (connection->route->lane == HTTP_LANE_SCRAPE ||
        http_progress_waits_ms(&connection->progress) <= MOST_WAIT_MS) {
        http_answer(connection);
        return true;
    }
    atomic_fetch_add_explicit(&connection->server->shed, 1, memory_order_relaxed);
    connection->refusal = waited;
    http_answer_refusal(connection);
    return true;
}

static bool step_answer(struct connection *connection)
{
    if (!http_send_more(connection))
        return false;
    if (connection->must_close || connection->last) {
        http_connection_close(connection);
        return false;
    }
    http_request_finish(connection);
    connection->stage = HTTP_STAGE_HEAD;
    if (!enter(connection, HTTP_PHASE_IDLE))
        return end_cut(connection);
    atomic_store_explicit(&connection->busy, false, memory_order_relaxed);
    /* The next request comes after the turns of others. */
    if (connection->input_bytes || connection->readable)
        http_worker_queue(connection);
    return false;
}

/* What the client still sends is dropped, until it notices. */
static bool step_linger(struct connection *connection)
{
    const ssize_t n = http_socket_read(connection, connection->worker->piece, HTTP_PIECE_BYTES);
    if (n < 0)
        http_connection_close(connection);
    else if (n > 0 && connection->readable)
        http_worker_queue(connection);
    return false;
}

static bool step_none(struct connection *connection)
{
    (void)connection;
    return false;
}

void http_serve(struct connection *connection)
{
    static bool (*const steps[])(struct connection *) = {
        [HTTP_STAGE_HEAD] = step_head,     [HTTP_STAGE_BODY] = step_body,
        [HTTP_STAGE_STREAM] = step_stream, [HTTP_STAGE_TURN] = step_turn,
        [HTTP_STAGE_ASIDE] = step_none,    [HTTP_STAGE_ANSWER] = step_answer,
        [HTTP_STAGE_LINGER] = step_linger, [HTTP_STAGE_GONE] = step_none,
    };
    if (connection->stage < HTTP_STAGE_LINGER &&
        http_progress_phase(&connection->progress) == HTTP_PHASE_CUT && !end_cut(connection))
        return;
    while (steps[connection->stage](connection))
        ;
}

void http_request_finish(struct connection *connection)
{
    http_output_finish(&connection->output);
    free(connection->text);
    connection->text = NULL;
    http_body_finish(connection);
    if (connection->answer_bytes)
        atomic_fetch_sub_explicit(&connection->server->answer_memory, connection->answer_bytes,
                                  memory_order_relaxed);
    connection->answer_bytes = 0;
    connection->route = NULL;
    connection->param = connection->param2 = connection->query = NULL;
    connection->query_bytes = 0;
    connection->refusal.status = 0;
    connection->dropping = false;
    connection->chunks = HTTP_CHUNKS_INIT;
    http_head_init(&connection->head);
    connection->input_bytes -= connection->taken;
    if (connection->input_bytes)
        memmove(connection->input, connection->input + connection->taken, connection->input_bytes);
    connection->taken = 0;
    atomic_store_explicit(&connection->progress.bytes, 0, memory_order_relaxed);
}
