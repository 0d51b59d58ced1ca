/* change_detector_state.c - a detector of change as bytes.
 *
 * Layout, integers little-endian:
 *   magic u32, version u16, kind u8, direction u8, state u8, observations u64, onsets u64, onset
 * u64, then the fields of the kind in the order of its struct, without what follows from the rest
 *   (ADWIN: tick u8, rows u8, for each from the newest: count u8, its buckets' sum and scatter f64;
 *   KSWIN: seed u64, length u8, the values from the oldest on),
 *   FNV-1a of everything before, u64.
 * Restore takes only bytes that save could have written: every number in the range that the
 * detector can bring it to, so that going on from there is as safe as from the start. */
#include "byte_codec.h"
#include "change_detector.h"
#include "fingerprint.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define MAGIC   0x43465244u /* "DRFC" */
#define VERSION 1u
/* Counts are exact as doubles up to here; at a million labels a second, 285 years. */
#define MAX_COUNT (UINT64_C(1) << 53)
/* A faded sum of deviations stays below 2 * CHANGE_MAX_MAGNITUDE / (1 - alpha). */
#define MAX_FADED_SUM (CHANGE_MAX_MAGNITUDE * 3 / (1 - PAGE_HINKLEY_ALPHA))

static void write_adwin(const struct change_detector *detector, struct byte_writer *out)
{
    const struct adwin *adwin = &detector->of.adwin;
    write_u8(out, (uint8_t)adwin->tick);
    write_u8(out, (uint8_t)adwin->rows);
    for (uint32_t i = 0; i < adwin->rows; i++) {
        write_u8(out, (uint8_t)adwin->row[i].count);
        for (uint32_t k = 0; k < adwin->row[i].count; k++) {
            write_f64(out, adwin->row[i].bucket[k].sum);
            write_f64(out, adwin->row[i].bucket[k].scatter);
        }
    }
}

static void write_ddm(const struct change_detector *detector, struct byte_writer *out)
{
    const struct ddm *ddm = &detector->of.ddm;
    write_u64(out, ddm->count);
    write_f64(out, ddm->sum);
    write_f64(out, ddm->low_rate);
    write_f64(out, ddm->low_deviation);
    write_u64(out, ddm->warning_at);
}

static void write_eddm(const struct change_detector *detector, struct byte_writer *out)
{
    const struct eddm *eddm = &detector->of.eddm;
    write_u64(out, eddm->count);
    write_u64(out, eddm->errors);
    write_u64(out, eddm->last_error);
    write_f64(out, eddm->mean);
    write_f64(out, eddm->scatter);
    write_f64(out, eddm->longest);
    write_u64(out, eddm->warning_at);
}

static void write_mean(const struct hddm_mean *mean, struct byte_writer *out)
{
    write_u64(out, mean->count);
    write_f64(out, mean->sum);
}

static void write_hddm_a(const struct change_detector *detector, struct byte_writer *out)
{
    const struct hddm_a *hddm = &detector->of.hddm_a;
    write_mean(&hddm->total, out);
    write_mean(&hddm->low, out);
    write_mean(&hddm->high, out);
}

static void write_weighted(const struct hddm_weighted *sample, struct byte_writer *out)
{
    write_f64(out, sample->mean);
    write_f64(out, sample->weight);
}

static void write_hddm_side(const struct hddm_side *side, struct byte_writer *out)
{
    write_weighted(&side->before, out);
    write_weighted(&side->after, out);
    write_f64(out, side->bound);
}

static void write_hddm_w(const struct change_detector *detector, struct byte_writer *out)
{
    const struct hddm_w *hddm = &detector->of.hddm_w;
    write_u64(out, hddm->count);
    write_weighted(&hddm->total, out);
    write_hddm_side(&hddm->rise, out);
    write_hddm_side(&hddm->fall, out);
    write_u64(out, hddm->warning_at);
}

static void write_page_side(const struct page_side *side, struct byte_writer *out)
{
    write_f64(out, side->sum);
    write_f64(out, side->low);
    write_u64(out, side->low_at);
}

static void write_page_hinkley(const struct change_detector *detector, struct byte_writer *out)
{
    const struct page_hinkley *test = &detector->of.page_hinkley;
    write_u64(out, test->count);
    write_f64(out, test->mean);
    write_page_side(&test->rise, out);
    write_page_side(&test->fall, out);
}

static void write_kswin(const struct change_detector *detector, struct byte_writer *out)
{
    const struct kswin *kswin = &detector->of.kswin;
    write_u64(out, kswin->seed);
    write_u8(out, (uint8_t)kswin->length);
    for (uint32_t i = 0; i < kswin->length; i++)
        write_f64(out, kswin->ring[(kswin->begin + i) % KSWIN_WINDOW]);
}

static void write_urn(const struct change_detector *detector, struct byte_writer *out)
{
    const struct urn_rate *urn = &detector->of.urn;
    write_u64(out, urn->count);
    write_u64(out, urn->ones);
    for (size_t k = 0; k < URN_RATE_BETS; k++) {
        write_f64(out, urn->wealth[k]);
        write_f64(out, urn->age[k]);
    }
}

/* In [low, high], and no negative zero. */
static bool in_range(double x, double low, double high)
{
    return x >= low && x <= high && (x != 0 || !signbit(x));
}

static bool all_zero(const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    size_t i = 0;
    while (i < size && byte[i] == 0)
        i++;
    return i == size;
}

/* A bucket of `size` values in [0, 1]. */
static bool read_bucket(struct adwin_bucket *bucket, uint64_t size, struct byte_reader *in)
{
    bucket->sum = read_f64(in);
    bucket->scatter = read_f64(in);
    return in_range(bucket->sum, 0, (double)size) &&
           in_range(bucket->scatter, 0, size > 1 ? (double)size : 0);
}

static bool read_adwin(struct change_detector *detector, struct byte_reader *in)
{
    struct adwin *adwin = &detector->of.adwin;
    adwin->tick = read_u8(in);
    adwin->rows = read_u8(in);
    if (adwin->tick >= ADWIN_CLOCK || adwin->rows < 1 || adwin->rows > ADWIN_ROWS ||
        adwin->tick != detector->observations % ADWIN_CLOCK)
        return false;
    for (uint32_t i = 0; i < adwin->rows; i++) {
        struct adwin_row *row = &adwin->row[i];
        /* Merging leaves one bucket less than the most, except in the oldest row. */
        const uint32_t least = adwin->rows == 1      ? 0
                               : i + 1 < adwin->rows ? ADWIN_MAX_BUCKETS - 1
                                                     : 1;
        row->count = read_u8(in);
        if (row->count < least || row->count > ADWIN_MAX_BUCKETS)
            return false;
        for (uint32_t k = 0; k < row->count; k++)
            if (!read_bucket(&row->bucket[k], UINT64_C(1) << i, in))
                return false;
        adwin->length += (uint64_t)row->count << i;
    }
    return adwin->length <= detector->observations &&
           (adwin->length > 0 || detector->observations == 0);
}

static bool read_ddm(struct change_detector *detector, struct byte_reader *in)
{
    struct ddm *ddm = &detector->of.ddm;
    ddm->count = read_u64(in);
    ddm->sum = read_f64(in);
    ddm->low_rate = read_f64(in);
    ddm->low_deviation = read_f64(in);
    ddm->warning_at = read_u64(in);
    const double most = ddm->count >= DDM_MIN_OBSERVATIONS;
    return ddm->count <= detector->observations && in_range(ddm->sum, 0, (double)ddm->count) &&
           in_range(ddm->low_rate, 0, most) && in_range(ddm->low_deviation, 0, most) &&
           ddm->warning_at <= ddm->count;
}

static bool read_eddm(struct change_detector *detector, struct byte_reader *in)
{
    struct eddm *eddm = &detector->of.eddm;
    eddm->count = read_u64(in);
    eddm->errors = read_u64(in);
    eddm->last_error = read_u64(in);
    eddm->mean = read_f64(in);
    eddm->scatter = read_f64(in);
    eddm->longest = read_f64(in);
    eddm->warning_at = read_u64(in);
    const double most = (double)eddm->last_error;
    return eddm->count <= detector->observations && eddm->last_error <= eddm->count &&
           eddm->errors <= eddm->last_error && (eddm->errors > 0 || eddm->last_error == 0) &&
           in_range(eddm->mean, eddm->errors > 0, most) &&
           in_range(eddm->scatter, 0, most * most) && in_range(eddm->longest, 0, 3 * most) &&
           eddm->warning_at <= eddm->last_error;
}

static bool read_mean(struct hddm_mean *mean, uint64_t most, struct byte_reader *in)
{
    mean->count = read_u64(in);
    mean->sum = read_f64(in);
    return mean->count <= most && in_range(mean->sum, 0, (double)mean->count);
}

static bool read_hddm_a(struct change_detector *detector, struct byte_reader *in)
{
    struct hddm_a *hddm = &detector->of.hddm_a;
    const bool fits = read_mean(&hddm->total, detector->observations, in) &&
                      read_mean(&hddm->low, hddm->total.count, in) &&
                      read_mean(&hddm->high, hddm->total.count, in);
    const bool started = hddm->total.count > 0;
    return fits && started == (hddm->low.count > 0) && started == (hddm->high.count > 0);
}

static bool read_weighted(struct hddm_weighted *sample, struct byte_reader *in)
{
    sample->mean = read_f64(in);
    sample->weight = read_f64(in);
    return in_range(sample->weight, 0, 1) && in_range(sample->mean, 0, sample->weight > 0);
}

static bool read_hddm_side(struct hddm_side *side, struct byte_reader *in)
{
    const bool fits = read_weighted(&side->before, in) && read_weighted(&side->after, in);
    const bool started = side->before.weight > 0;
    side->bound = read_f64(in);
    return fits && in_range(side->bound, started ? -1 : 0, started ? 3 : 0) &&
           (started || side->after.weight == 0);
}

static bool read_hddm_w(struct change_detector *detector, struct byte_reader *in)
{
    struct hddm_w *hddm = &detector->of.hddm_w;
    hddm->count = read_u64(in);
    const bool fits = read_weighted(&hddm->total, in) && read_hddm_side(&hddm->rise, in) &&
                      read_hddm_side(&hddm->fall, in);
    hddm->warning_at = read_u64(in);
    const bool started = hddm->count > 0;
    const bool both = started && hddm->direction == CHANGE_BOTH;
    return fits && hddm->count <= detector->observations && started == (hddm->total.weight > 0) &&
           started == (hddm->rise.before.weight > 0) && both == (hddm->fall.before.weight > 0) &&
           hddm->warning_at <= hddm->count;
}

static bool read_page_side(struct page_side *side, uint64_t count, struct byte_reader *in)
{
    const double most = count > 0 ? MAX_FADED_SUM : 0;
    side->sum = read_f64(in);
    side->low = read_f64(in);
    side->low_at = read_u64(in);
    return in_range(side->sum, -most, most) && in_range(side->low, -most, 0) &&
           side->low <= side->sum && side->low_at <= count;
}

static bool read_page_hinkley(struct change_detector *detector, struct byte_reader *in)
{
    struct page_hinkley *test = &detector->of.page_hinkley;
    test->count = read_u64(in);
    test->mean = read_f64(in);
    const double most = test->count > 0 ? CHANGE_MAX_MAGNITUDE : 0;
    const bool fits = read_page_side(&test->rise, test->count, in) &&
                      read_page_side(&test->fall, test->count, in);
    return fits && test->count <= detector->observations && in_range(test->mean, -most, most) &&
           (test->direction == CHANGE_BOTH || all_zero(&test->fall, sizeof(test->fall)));
}

static bool read_kswin(struct change_detector *detector, struct byte_reader *in)
{
    struct kswin *kswin = &detector->of.kswin;
    const uint64_t seed = read_u64(in);
    kswin->length = read_u8(in);
    kswin->count = detector->observations;
    if (seed != kswin->seed || kswin->length > KSWIN_WINDOW || kswin->length > kswin->count ||
        (kswin->length < KSWIN_SAMPLE && kswin->length != kswin->count))
        return false;
    for (uint32_t i = 0; i < kswin->length; i++) {
        kswin->ring[i] = read_f64(in);
        if (!in_range(kswin->ring[i], -CHANGE_MAX_MAGNITUDE, CHANGE_MAX_MAGNITUDE))
            return false;
    }
    return true;
}

/* Each bet's wealth is below the budget, and its age at most that times the rows. */
static bool read_urn(struct change_detector *detector, struct byte_reader *in)
{
    struct urn_rate *urn = &detector->of.urn;
    urn->count = read_u64(in);
    urn->ones = read_u64(in);
    bool fits = urn->count <= detector->observations && urn->ones <= urn->count;
    for (size_t k = 0; k < URN_RATE_BETS; k++) {
        const bool used = urn->direction == CHANGE_BOTH || k < URN_RATE_BETS / 2;
        const double most = used && urn->count > 0 ? URN_RATE_BUDGET : 0;
        urn->wealth[k] = read_f64(in);
        urn->age[k] = read_f64(in);
        fits = fits && in_range(urn->wealth[k], 0, most) &&
               in_range(urn->age[k], 0, most * (double)urn->count);
    }
    return fits;
}

/* The detector given to `read` has been initialised. */
static const struct {
    void (*write)(const struct change_detector *detector, struct byte_writer *out);
    bool (*read)(struct change_detector *detector, struct byte_reader *in);
} codecs[CHANGE_DETECTOR_COUNT] = {
    [CHANGE_ADWIN] = {write_adwin, read_adwin},
    [CHANGE_DDM] = {write_ddm, read_ddm},
    [CHANGE_EDDM] = {write_eddm, read_eddm},
    [CHANGE_HDDM_A] = {write_hddm_a, read_hddm_a},
    [CHANGE_HDDM_W] = {write_hddm_w, read_hddm_w},
    [CHANGE_PAGE_HINKLEY] = {write_page_hinkley, read_page_hinkley},
    [CHANGE_KSWIN] = {write_kswin, read_kswin},
    [CHANGE_URN] = {write_urn, read_urn},
};

static void write_detector(const struct change_detector *detector, struct byte_writer *out)
{
    write_u32(out, MAGIC);
    write_u16(out, VERSION);
    write_u8(out, (uint8_t)detector->kind);
    write_u8(out, (uint8_t)detector->direction);
    write_u8(out, (uint8_t)detector->state);
    write_u64(out, detector->observations);
    write_u64(out, detector->onsets);
    write_u64(out, detector->onset);
    codecs[detector->kind].write(detector, out);
}

size_t drift_change_detector_save(const struct change_detector *detector, void *bytes,
                                  size_t capacity)
{
    struct byte_writer out = {0};
    write_detector(detector, &out);
    const size_t size = out.size + sizeof(uint64_t);
    if (!bytes || size > capacity)
        return size;
    out = (struct byte_writer){.bytes = bytes};
    write_detector(detector, &out);
    write_u64(&out, fingerprint_bytes(FINGERPRINT_START, bytes, out.size));
    return size;
}

static bool read_header(struct change_detector *detector, struct byte_reader *in)
{
    bool same = read_u32(in) == MAGIC;
    same = read_u16(in) == VERSION && same;
    same = read_u8(in) == (uint8_t)detector->kind && same;
    same = read_u8(in) == (uint8_t)detector->direction && same;
    const uint8_t state = read_u8(in);
    detector->state = (enum change_state)state;
    detector->observations = read_u64(in);
    detector->onsets = read_u64(in);
    detector->onset = read_u64(in);
    const bool any = detector->onsets > 0;
    return same && !in->failed && state <= CHANGE_DRIFT && detector->observations <= MAX_COUNT &&
           detector->onsets <= detector->observations &&
           (any ? detector->onset < detector->observations : detector->onset == 0) &&
           (state != CHANGE_DRIFT || any) &&
           (state != CHANGE_WARNING ||
            (detector->observations > 0 && drift_change_detector_warns(detector->kind)));
}

int drift_change_detector_restore(struct change_detector *detector, const void *bytes, size_t size)
{
    if (!bytes || size < sizeof(uint64_t))
        return -EINVAL;
    struct byte_reader in = {.bytes = bytes, .size = size - sizeof(uint64_t)};
    struct byte_reader check = {.bytes = in.bytes + in.size, .size = sizeof(uint64_t)};
    if (read_u64(&check) != fingerprint_bytes(FINGERPRINT_START, bytes, in.size))
        return -EINVAL;
    struct change_detector fresh;
    const uint64_t seed = detector->kind == CHANGE_KSWIN ? detector->of.kswin.seed : 0;
    const int rc = drift_change_detector_init(&fresh, detector->kind, detector->direction, seed);
    if (rc != 0)
        return rc;
    if (!read_header(&fresh, &in) || !codecs[fresh.kind].read(&fresh, &in) || in.failed ||
        in.at != in.size)
        return -EINVAL;
    *detector = fresh;
    return 0;
}
