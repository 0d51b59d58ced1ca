/* phase.h - what a connection is waiting for, since when, and who may end it.
 *
 * The worker that serves a connection moves it from phase to phase. Any worker, once a second, and
 * one that accepts a connection at the limit may cut one that waits too long or gives way. Both
 * change one atomic word, so that a cut and an answer exclude each other: a connection that has
 * been cut is worked on no more, and its worker closes it. */
#ifndef HTTP_PHASE_H
#define HTTP_PHASE_H

#include "text/nodiscard.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_phase {
    HTTP_PHASE_IDLE,   /* between two requests */
    HTTP_PHASE_HEADER, /* from the start of the connection, or a request line, to its header's end
                        */
    HTTP_PHASE_BODY,   /* its header has arrived, its body has not */
    HTTP_PHASE_STREAM, /* the same of an NDJSON stream, which may take any time */
    HTTP_PHASE_WORK,   /* it is complete: its handler runs, or waits for its turn */
    HTTP_PHASE_ANSWER, /* its answer is being read */
    HTTP_PHASE_CUT,    /* ends; nothing follows */
};

struct http_progress {
    _Atomic uint64_t word; /* phase, and when it began */
    atomic_size_t bytes;   /* of the body that have arrived, or of the answer that is sent */
    _Atomic int64_t moved; /* when bytes last went either way */
};

/* Bytes have gone through the socket now. */
void http_progress_moved(struct http_progress *progress);

/* False if the connection has been cut. */
NODISCARD bool http_progress_enter(struct http_progress *progress, enum http_phase phase);
/* Enters HTTP_PHASE_ANSWER even if it has been cut, which then has no further effect. */
void http_progress_answer(struct http_progress *progress);
enum http_phase http_progress_phase(const struct http_progress *progress);
/* For how long, in milliseconds. */
int64_t http_progress_waits_ms(const struct http_progress *progress);
/* Cuts it if it is in this phase, and the phase is neither WORK nor CUT. */
NODISCARD bool http_progress_cut(struct http_progress *progress, enum http_phase phase);

/* Whether the connection has waited longer than its phase allows, or no byte has come or gone for
 * idle_ms. */
bool http_progress_overdue(const struct http_progress *progress, int64_t idle_ms);
/* How soon a connection gives way to a new one: the highest goes first, 0 never does. */
int64_t http_progress_gives_way(const struct http_progress *progress);

#endif
