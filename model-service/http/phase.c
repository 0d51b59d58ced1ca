/* phase.c - see the header. */
#include "http/phase.h"

#include "system/clock.h"

#define PHASE_BITS 3
#define PHASE_MASK ((1u << PHASE_BITS) - 1)

/* A header arrives in one packet or a few. */
#define HEADER_MS 5000
/* A body may begin late, and then must come with a thousand bytes a second: 4 MiB in 70
 * minutes at the worst, but a byte a second ends soon. */
#define BODY_MS               10000
#define BODY_BYTES_PER_SECOND 1000
/* A reader that takes less than 10 kB a second is taken for one that does not read. */
#define ANSWER_MS               10000
#define ANSWER_BYTES_PER_SECOND 10000

static uint64_t pack(enum http_phase phase)
{
    return (uint64_t)clock_coarse_ms() << PHASE_BITS | (unsigned)phase;
}

static enum http_phase phase_of(uint64_t word)
{
    return (enum http_phase)(word & PHASE_MASK);
}

bool http_progress_enter(struct http_progress *progress, enum http_phase phase)
{
    const uint64_t now = pack(phase);
    uint64_t word = atomic_load_explicit(&progress->word, memory_order_relaxed);
    while (phase_of(word) != HTTP_PHASE_CUT)
        if (atomic_compare_exchange_weak(&progress->word, &word, now))
            return true;
    return false;
}

void http_progress_answer(struct http_progress *progress)
{
    atomic_store(&progress->word, pack(HTTP_PHASE_ANSWER));
}

void http_progress_moved(struct http_progress *progress)
{
    atomic_store_explicit(&progress->moved, clock_coarse_ms(), memory_order_relaxed);
}

enum http_phase http_progress_phase(const struct http_progress *progress)
{
    return phase_of(atomic_load(&progress->word));
}

int64_t http_progress_waits_ms(const struct http_progress *progress)
{
    return clock_coarse_ms() - (int64_t)(atomic_load(&progress->word) >> PHASE_BITS);
}

bool http_progress_cut(struct http_progress *progress, enum http_phase phase)
{
    uint64_t word = atomic_load(&progress->word);
    return phase != HTTP_PHASE_WORK && phase != HTTP_PHASE_CUT && phase_of(word) == phase &&
           atomic_compare_exchange_strong(&progress->word, &word, pack(HTTP_PHASE_CUT));
}

/* Milliseconds for so many bytes at a rate. */
static int64_t ms_for(const struct http_progress *progress, int64_t bytes_per_second)
{
    return (int64_t)atomic_load_explicit(&progress->bytes, memory_order_relaxed) * 1000 /
           bytes_per_second;
}

bool http_progress_overdue(const struct http_progress *progress, int64_t idle_ms)
{
    const int64_t waited = http_progress_waits_ms(progress);
    const int64_t moved = atomic_load_explicit(&progress->moved, memory_order_relaxed);
    const enum http_phase phase = http_progress_phase(progress);
    if (phase != HTTP_PHASE_WORK && phase != HTTP_PHASE_CUT && clock_coarse_ms() - moved > idle_ms)
        return true;
    switch (phase) {
    case HTTP_PHASE_HEADER:
        return waited > HEADER_MS;
    case HTTP_PHASE_BODY:
        return waited > BODY_MS + ms_for(progress, BODY_BYTES_PER_SECOND);
    case HTTP_PHASE_ANSWER:
        return waited > ANSWER_MS + ms_for(progress, ANSWER_BYTES_PER_SECOND);
    default:
        return false;
    }
}

int64_t http_progress_gives_way(const struct http_progress *progress)
{
    /* Beyond every time that a connection waits, so that the phase counts first. */
    static const int64_t rank = (int64_t)1 << 40;
    static const int ranks[] = {
        [HTTP_PHASE_IDLE] = 4,   [HTTP_PHASE_HEADER] = 4, [HTTP_PHASE_BODY] = 3,
        [HTTP_PHASE_ANSWER] = 2, [HTTP_PHASE_STREAM] = 1, [HTTP_PHASE_WORK] = 0,
        [HTTP_PHASE_CUT] = 0,
    };
    const int own = ranks[http_progress_phase(progress)];
    return own ? own * rank + http_progress_waits_ms(progress) : 0;
}
