/* window_state.c - a feature window as bytes, and merging.
 *
 * Layout, integers little-endian:
 *   magic u32, version u16, kind u8, type u8, size of the window u64, fingerprint u64,
 *   then by kind
 *     count:    length u64, the observations from the oldest on (f64, or u32 codes)
 *     duration: started u8, newest pane i64, dropped u64, WINDOW_PANES tallies from the oldest on
 *     all:      dropped u64, one tally
 *   FNV-1a of everything before, u64.
 * A tally: occupied cells u32, for each, ascending: cell u32, count u32; and if any of them is
 * finite: min f64, max f64, and the chunks of the four exact sums as i64, each sum as first and
 * number (u16 both) of the chunks up to the last one that is not zero.
 * Equal windows give equal bytes, and restore takes only bytes that save could have written. */
#include "byte_codec.h"
#include "feature_window.h"
#include "fingerprint.h"
#include "window_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define MAGIC   0x57465244u /* "DRFW" */
#define VERSION 2u

static uint64_t fingerprint_of(const struct feature_window *window)
{
    return window->numeric != NULL ? window->numeric->fingerprint
                                   : window->categorical->fingerprint;
}

static uint64_t size_of(const struct window_spec *spec)
{
    switch (spec->kind) {
    case WINDOW_COUNT:
        return spec->observations;
    case WINDOW_DURATION:
        return (uint64_t)spec->duration_ms;
    case WINDOW_ALL:
        break;
    }
    return 0;
}

/* Position of the i-th oldest observation. */
static size_t ring_at(const struct ring *ring, size_t i)
{
    const size_t at = ring->begin + i;
    return at < ring->capacity ? at : at - ring->capacity;
}

static void write_header(const struct feature_window *window, struct byte_writer *out)
{
    write_u32(out, MAGIC);
    write_u16(out, VERSION);
    write_u8(out, (uint8_t)window->spec.kind);
    write_u8(out, window->numeric != NULL);
    write_u64(out, size_of(&window->spec));
    write_u64(out, fingerprint_of(window));
}

static void write_ring(const struct feature_window *window, struct byte_writer *out)
{
    const struct ring *ring = &window->ring;
    write_u64(out, ring->length);
    for (size_t i = 0; i < ring->length; i++) {
        const size_t at = ring_at(ring, i);
        if (ring->value)
            write_f64(out, ring->value[at]);
        else
            write_u32(out, ring->cell[at]);
    }
}

static void write_chunks(struct byte_writer *out, const int64_t *chunk, size_t chunks)
{
    size_t first = 0, end = chunks;
    while (end > 0 && chunk[end - 1] == 0)
        end--;
    while (first < end && chunk[first] == 0)
        first++;
    write_u16(out, (uint16_t)first);
    write_u16(out, (uint16_t)(end - first));
    for (size_t i = first; i < end; i++)
        write_u64(out, (uint64_t)chunk[i]);
}

static void write_sum(struct byte_writer *out, struct exact_sum sum)
{
    drift_exact_sum_settle(&sum);
    write_chunks(out, sum.chunk, EXACT_SUM_CHUNKS);
}

static uint64_t finite_count(const struct feature_window *window, const struct tally *tally)
{
    uint64_t count = 0;
    for (size_t i = 0; window_is_finite_cell(window, i); i++)
        count += tally->cell[i];
    return count;
}

static void write_tally(const struct feature_window *window, const struct tally *tally,
                        struct byte_writer *out)
{
    uint32_t occupied = 0;
    /* Most panes may be empty; do not look through their cells. */
    const size_t cells = tally->observations > 0 ? window->cells : 0;
    for (size_t i = 0; i < cells; i++)
        occupied += tally->cell[i] > 0;
    write_u32(out, occupied);
    for (size_t i = 0; i < cells; i++) {
        if (tally->cell[i] == 0)
            continue;
        write_u32(out, (uint32_t)i);
        write_u32(out, tally->cell[i]);
    }
    if (cells == 0 || finite_count(window, tally) == 0)
        return;
    write_f64(out, tally->min);
    write_f64(out, tally->max);
    write_sum(out, tally->sum);
    write_sum(out, tally->below);
    write_sum(out, tally->above);
    struct exact_squares squares = tally->squares;
    drift_exact_squares_settle(&squares);
    write_chunks(out, squares.chunk, EXACT_SQUARES_CHUNKS);
}

static void write_panes(const struct feature_window *window, struct byte_writer *out)
{
    write_u8(out, window->started);
    write_u64(out, (uint64_t)window->newest);
    write_u64(out, window->dropped);
    for (int i = 1; i <= WINDOW_PANES; i++)
        write_tally(window, window_pane(window, window->newest - WINDOW_PANES + i), out);
}

static void write_window(const struct feature_window *window, struct byte_writer *out)
{
    write_header(window, out);
    switch (window->spec.kind) {
    case WINDOW_COUNT:
        write_ring(window, out);
        break;
    case WINDOW_DURATION:
        write_panes(window, out);
        break;
    case WINDOW_ALL:
        write_u64(out, window->dropped);
        write_tally(window, &window->total, out);
        break;
    }
}

size_t drift_feature_window_save(const struct feature_window *window, void *bytes, size_t capacity)
{
    struct byte_writer out = {0};
    write_window(window, &out);
    const size_t size = out.size + sizeof(uint64_t);
    if (!bytes || size > capacity)
        return size;
    out = (struct byte_writer){.bytes = bytes};
    write_window(window, &out);
    write_u64(&out, fingerprint_bytes(FINGERPRINT_START, bytes, out.size));
    return size;
}

static int read_header(const struct feature_window *window, struct byte_reader *in)
{
    bool same = read_u32(in) == MAGIC;
    same = read_u16(in) == VERSION && same;
    same = read_u8(in) == (uint8_t)window->spec.kind && same;
    same = read_u8(in) == ((window->numeric != NULL)) && same;
    same = read_u64(in) == size_of(&window->spec) && same;
    same = read_u64(in) == fingerprint_of(window) && same;
    return same && !in->failed ? 0 : -EINVAL;
}

/* NaN only as save writes it, and no negative zero. */
static bool is_canonical(double x)
{
    const double nan = NAN;
    if (isnan(x))
        return memcmp(&x, &nan, sizeof(x)) == 0;
    return x != 0 || !signbit(x);
}

static int read_ring(struct feature_window *window, struct byte_reader *in)
{
    const uint64_t length = read_u64(in);
    if (length > window->spec.observations)
        return -EINVAL;
    for (uint64_t i = 0; i < length && !in->failed; i++) {
        if (window->numeric) {
            const double x = read_f64(in);
            if (!is_canonical(x))
                return -EINVAL;
            drift_feature_window_observe_number(window, x, 0);
        } else {
            const uint32_t code = read_u32(in);
            if (code >= window->cells)
                return -EINVAL;
            drift_feature_window_observe_category(window, code, 0);
        }
    }
    return in->failed ? -EINVAL : 0;
}

/* Settled, and no larger than the finite observations behind the sum can make it: only the last
 * chunk may be 2^32 or more. */
static int read_chunks(struct byte_reader *in, int64_t *chunk, size_t chunks, uint64_t count)
{
    const size_t first = read_u16(in), number = read_u16(in);
    if (first + number > chunks || (number == 0 && first != 0))
        return -EINVAL;
    bool positive = false, negative = false;
    for (size_t i = first; i < first + number; i++) {
        const int64_t limit = (int64_t)((i + 1 < chunks ? 1 : count) * UINT32_MAX);
        chunk[i] = (int64_t)read_u64(in);
        positive |= chunk[i] > 0;
        negative |= chunk[i] < 0;
        if (chunk[i] > limit || chunk[i] < -limit || (positive && negative) || count == 0)
            return -EINVAL;
    }
    const bool trimmed = number == 0 || (chunk[first] != 0 && chunk[first + number - 1] != 0);
    return trimmed && !in->failed ? 0 : -EINVAL;
}

static int read_cells(const struct feature_window *window, struct tally *tally,
                      struct byte_reader *in)
{
    const uint32_t occupied = read_u32(in);
    uint64_t next = 0;
    for (uint32_t i = 0; i < occupied; i++) {
        const uint32_t cell = read_u32(in), count = read_u32(in);
        if (in->failed || cell < next || cell >= window->cells || count == 0)
            return -EINVAL;
        next = (uint64_t)cell + 1;
        tally->cell[cell] = count;
        tally_mark(tally, cell);
        tally->observations += count;
    }
    return in->failed || tally->observations > EXACT_SUM_MAX_COUNT ? -EINVAL : 0;
}

/* min and max must lie in the lowest and the highest finite cell. */
static bool extremes_fit(const struct feature_window *window, const struct tally *tally)
{
    if (!isfinite(tally->min) || !isfinite(tally->max) || tally->min > tally->max ||
        !is_canonical(tally->min) || !is_canonical(tally->max))
        return false;
    size_t lowest = 0, highest = window->missing_cell - 1;
    while (tally->cell[lowest] == 0)
        lowest++;
    while (tally->cell[highest] == 0)
        highest--;
    return drift_numeric_reference_cell(window->numeric, tally->min) == lowest &&
           drift_numeric_reference_cell(window->numeric, tally->max) == highest;
}

static int read_tally(const struct feature_window *window, struct tally *tally,
                      struct byte_reader *in)
{
    int rc = read_cells(window, tally, in);
    const uint64_t finite = rc == 0 ? finite_count(window, tally) : 0;
    if (finite == 0)
        return rc;
    const uint64_t below = tally->cell[0];
    const uint64_t above = tally->cell[window->missing_cell - 1];
    tally->min = read_f64(in);
    tally->max = read_f64(in);
    if (in->failed || !extremes_fit(window, tally) ||
        read_chunks(in, tally->sum.chunk, EXACT_SUM_CHUNKS, finite) != 0 ||
        read_chunks(in, tally->below.chunk, EXACT_SUM_CHUNKS, below) != 0 ||
        read_chunks(in, tally->above.chunk, EXACT_SUM_CHUNKS, above) != 0 ||
        read_chunks(in, tally->squares.chunk, EXACT_SQUARES_CHUNKS, finite) != 0)
        return -EINVAL;
    return 0;
}

static int read_panes(struct feature_window *window, struct byte_reader *in)
{
    const uint8_t started = read_u8(in);
    window->newest = (int64_t)read_u64(in);
    window->dropped = read_u64(in);
    window->started = started != 0;
    if (in->failed || started > 1 || (!started && window->newest != 0) ||
        window->newest > WINDOW_MAX_TIME_MS || window->newest < -WINDOW_MAX_TIME_MS - 1)
        return -EINVAL;
    for (int i = 1; i <= WINDOW_PANES; i++) {
        struct tally *pane = window_pane(window, window->newest - WINDOW_PANES + i);
        int rc = read_tally(window, pane, in);
        if (rc != 0 || (!started && pane->observations > 0))
            return -EINVAL;
        if (window->total.observations + pane->observations > EXACT_SUM_MAX_COUNT)
            return -EINVAL;
        if (pane->observations > 0)
            tally_combine(&window->total, pane, window->cells);
    }
    window_recount(window);
    return 0;
}

static int read_all(struct feature_window *window, struct byte_reader *in)
{
    window->dropped = read_u64(in);
    int rc = read_tally(window, &window->total, in);
    if (rc == 0)
        window_recount(window);
    return rc;
}

static int read_body(struct feature_window *window, struct byte_reader *in)
{
    switch (window->spec.kind) {
    case WINDOW_COUNT:
        return read_ring(window, in);
    case WINDOW_DURATION:
        return read_panes(window, in);
    case WINDOW_ALL:
        return read_all(window, in);
    }
    return -EINVAL;
}

/* Reads into a fresh window and swaps the two, so that a failure leaves this one as it was. */
int drift_feature_window_restore(struct feature_window *window, const void *bytes, size_t size)
{
    if (!bytes || size < sizeof(uint64_t))
        return -EINVAL;
    struct byte_reader in = {.bytes = bytes, .size = size - sizeof(uint64_t)};
    struct byte_reader check = {.bytes = in.bytes + in.size, .size = sizeof(uint64_t)};
    if (read_u64(&check) != fingerprint_bytes(FINGERPRINT_START, bytes, in.size))
        return -EINVAL;
    int rc = read_header(window, &in);
    if (rc != 0)
        return rc;
    struct feature_window *fresh;
    rc = drift_feature_window_create(window->numeric, window->categorical, &window->spec, &fresh);
    if (rc != 0)
        return rc;
    drift_feature_window_discount(fresh, window->discount, window->missing_discount);
    rc = read_body(fresh, &in);
    if (rc == 0 && in.at == in.size) {
        struct feature_window old = *window;
        *window = *fresh;
        *fresh = old;
    } else if (rc == 0) {
        rc = -EINVAL;
    }
    drift_feature_window_destroy(fresh);
    return rc;
}

static void merge_ring(struct feature_window *window, const struct feature_window *later)
{
    const struct ring *ring = &later->ring;
    for (size_t i = 0; i < ring->length; i++) {
        const size_t at = ring_at(ring, i);
        window_add(window, ring->value != NULL ? ring->value[at] : 0, ring->cell[at], 0);
    }
}

static void merge_extremes(struct tally *tally, const struct tally *other)
{
    tally->min = other->min < tally->min ? other->min : tally->min;
    tally->max = other->max > tally->max ? other->max : tally->max;
}

static void merge_tally(struct feature_window *window, struct tally *tally,
                        const struct tally *other)
{
    tally_combine(tally, other, window->cells);
    merge_extremes(tally, other);
}

static void merge_panes(struct feature_window *window, const struct feature_window *later)
{
    if (!later->started)
        return;
    const int64_t end = window->started ? window->newest : INT64_MIN;
    window_advance_panes(window, later->newest);
    for (int i = WINDOW_PANES - 1; i >= 0; i--) {
        const int64_t index = later->newest - i;
        const struct tally *other = window_pane(later, index);
        if (other->observations == 0)
            continue;
        merge_tally(window, window_pane(window, index > end ? index : end), other);
        tally_combine(&window->total, other, window->cells);
    }
    window_recount(window);
}

int drift_feature_window_merge(struct feature_window *window, const struct feature_window *later)
{
    if (window == later || (!window->numeric) != (!later->numeric) ||
        fingerprint_of(window) != fingerprint_of(later) || window->spec.kind != later->spec.kind ||
        size_of(&window->spec) != size_of(&later->spec))
        return -EINVAL;
    if (window->spec.kind == WINDOW_COUNT) {
        merge_ring(window, later);
        return 0;
    }
    if (window->total.observations + later->total.observations > EXACT_SUM_MAX_COUNT)
        return -EINVAL;
    window->dropped += later->dropped;
    if (window->spec.kind == WINDOW_DURATION) {
        merge_panes(window, later);
        return 0;
    }
    merge_tally(window, &window->total, &later->total);
    window_recount(window);
    return 0;
}
