/* drift_state.c - what a detector knows as bytes.
 *
 * Layouts, integers little-endian:
 *   windows  version u8, for each feature: size u64 and its window's own bytes
 *   head     version u8, observations u64, last observation i64, onsets u64 by severity, incidents
 * by severity (opened u64, drifted u8, last i64), for each feature: in drift u8 by severity,
 *            drifted since i64, and the totals missing, infinite, unseen, out of range u64
 *   record   rows u8, time i64, for each feature: rows u8 and its cells, f64 or u32 */
#include "drift_state.h"

#include "drift_detector_internal.h"
#include "stats/byte_codec.h"
#include "stats/fingerprint.h"

#include <errno.h>
#include <stdlib.h>

#define WINDOWS_VERSION 1u
#define HEAD_VERSION    1u
#define HEAD_BYTES      (1 + 2 * 8 + SEVERITY_COUNT * (8 + 8 + 1 + 8))
#define FEATURE_BYTES   (SEVERITY_COUNT + 5 * 8)
#define RECORD_BYTES    9 /* without its features */

uint64_t detector_identity(const struct detector *detector)
{
    uint64_t hash = detector->reference_fingerprint;
    hash = fingerprint_number(hash, detector->window.kind);
    hash = fingerprint_number(hash, detector->window.kind == WINDOW_COUNT
                                        ? detector->window.observations
                                        : (uint64_t)detector->window.duration_ms);
    for (size_t t = 0; t < detector->test_count; t++)
        hash = fingerprint_number(hash, detector->tests[t].method);
    return hash;
}

/* Room for `size` bytes at the end of the buffer, written through *ret_writer; false if there is
 * none. */
static bool writer_begin(struct buffer *out, size_t size, struct byte_writer *ret_writer)
{
    char *room = buffer_reserve(out, size);
    *ret_writer = (struct byte_writer){.bytes = (uint8_t *)room};
    return room;
}

static void writer_end(struct buffer *out, const struct byte_writer *writer)
{
    out->length += writer->size;
}

/* --- windows --- */

static void save_window(const struct feature_window *window, struct buffer *out)
{
    const size_t size = drift_feature_window_save(window, NULL, 0);
    struct byte_writer writer;
    if (!writer_begin(out, sizeof(uint64_t) + size, &writer))
        return;
    write_u64(&writer, size);
    writer.size += drift_feature_window_save(window, writer.bytes + writer.size, size);
    writer_end(out, &writer);
}

void detector_save_windows(const struct detector *detector, struct buffer *out)
{
    buffer_append_char(out, WINDOWS_VERSION);
    for (size_t f = 0; f < detector->feature_count; f++)
        save_window(detector->features[f].window, out);
}

static int read_window(const struct detector *detector, const struct feature *feature,
                       struct byte_reader *in, struct feature_window **ret_window)
{
    const bool numeric = feature->type == FEATURE_NUMERIC;
    const uint64_t size = read_u64(in);
    if (in->failed || size > in->size - in->at)
        return -EINVAL;
    int rc = drift_feature_window_create(numeric ? &feature->reference.numeric : NULL,
                                         numeric ? NULL : &feature->reference.categorical,
                                         &detector->window, ret_window);
    if (rc == 0)
        rc = drift_feature_window_restore(*ret_window, in->bytes + in->at, size);
    in->at += size;
    return rc;
}

/* Reads all windows before the first one is exchanged. */
int detector_restore_windows(struct detector *detector, const void *bytes, size_t size)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    if (read_u8(&in) != WINDOWS_VERSION)
        return -EINVAL;
    struct feature_window **fresh =
        calloc(detector->feature_count, sizeof(struct feature_window *));
    int rc = fresh ? 0 : -ENOMEM;
    for (size_t f = 0; rc == 0 && f < detector->feature_count; f++)
        rc = read_window(detector, &detector->features[f], &in, &fresh[f]);
    if (rc == 0 && in.at != in.size)
        rc = -EINVAL;
    for (size_t f = 0; fresh && f < detector->feature_count; f++) {
        struct feature *feature = &detector->features[f];
        struct feature_window *old = fresh[f];
        if (rc == 0) {
            old = feature->window;
            feature->window = fresh[f];
        }
        drift_feature_window_destroy(old);
    }
    free(fresh);
    return rc;
}

/* --- head --- */

static void write_feature(const struct feature *feature, struct byte_writer *out)
{
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++)
        write_u8(out, feature->in_drift[s]);
    write_u64(out, (uint64_t)feature->drifted_since_ms);
    write_u64(out, feature->missing_total);
    write_u64(out, feature->infinite_total);
    write_u64(out, feature->unseen_total);
    write_u64(out, feature->out_of_range_total);
}

void detector_save_head(const struct detector *detector, struct buffer *out)
{
    struct byte_writer writer;
    if (!writer_begin(out, HEAD_BYTES + detector->feature_count * FEATURE_BYTES, &writer))
        return;
    write_u8(&writer, HEAD_VERSION);
    write_u64(&writer, detector->observations_total);
    write_u64(&writer, (uint64_t)detector->last_observation_ms);
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
        write_u64(&writer, detector->onsets[s]);
        write_u64(&writer, detector->incidents[s].opened);
        write_u8(&writer, detector->incidents[s].drifted);
        write_u64(&writer, (uint64_t)detector->incidents[s].last_ms);
    }
    for (size_t f = 0; f < detector->feature_count; f++)
        write_feature(&detector->features[f], &writer);
    writer_end(out, &writer);
}

static void read_feature(struct detector *detector, struct feature *feature, struct byte_reader *in)
{
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
        feature->in_drift[s] = read_u8(in) != 0;
        detector->any_in_drift |= feature->in_drift[s];
    }
    feature->drifted_since_ms = (int64_t)read_u64(in);
    feature->missing_total = read_u64(in);
    feature->infinite_total = read_u64(in);
    feature->unseen_total = read_u64(in);
    feature->out_of_range_total = read_u64(in);
}

int detector_restore_head(struct detector *detector, const void *bytes, size_t size)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    if (size != HEAD_BYTES + detector->feature_count * FEATURE_BYTES ||
        read_u8(&in) != HEAD_VERSION)
        return -EINVAL;
    detector->observations_total = read_u64(&in);
    detector->last_observation_ms = (int64_t)read_u64(&in);
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
        detector->onsets[s] = read_u64(&in);
        detector->incidents[s].opened = read_u64(&in);
        detector->incidents[s].drifted = read_u8(&in) != 0;
        detector->incidents[s].last_ms = (int64_t)read_u64(&in);
    }
    for (size_t f = 0; f < detector->feature_count; f++)
        read_feature(detector, &detector->features[f], &in);
    return 0;
}

/* --- rows --- */

void detector_record_rows(const struct detector *detector, const union detector_cell *cells,
                          size_t rows, size_t stride, const size_t *feature_rows, int64_t now_ms,
                          struct buffer *out)
{
    const size_t most = RECORD_BYTES + detector->feature_count * (1 + rows * sizeof(*cells));
    struct byte_writer writer;
    if (!writer_begin(out, most, &writer))
        return;
    write_u8(&writer, (uint8_t)rows);
    write_u64(&writer, (uint64_t)now_ms);
    for (size_t f = 0; f < detector->feature_count; f++) {
        const union detector_cell *cell = &cells[f * stride];
        const bool numeric = detector->features[f].type == FEATURE_NUMERIC;
        write_u8(&writer, (uint8_t)feature_rows[f]);
        for (size_t r = 0; r < feature_rows[f]; r++)
            if (numeric)
                write_f64(&writer, cell[r].number);
            else
                write_u32(&writer, cell[r].category);
    }
    writer_end(out, &writer);
}

static int read_cells(const struct feature *feature, struct byte_reader *in, size_t rows,
                      union detector_cell *cells)
{
    for (size_t r = 0; r < rows; r++) {
        if (feature->type == FEATURE_NUMERIC) {
            cells[r].number = read_f64(in);
            continue;
        }
        cells[r].category = read_u32(in);
        if (cells[r].category > categorical_code_missing(&feature->reference.categorical))
            return -EINVAL;
    }
    return in->failed ? -EINVAL : 0;
}

static int replay_record(struct detector *detector, struct byte_reader *in,
                         union detector_cell *cells, size_t *feature_rows, size_t *ret_rows,
                         int64_t *ret_now_ms)
{
    const size_t rows = read_u8(in);
    const int64_t now_ms = (int64_t)read_u64(in);
    if (in->failed || rows == 0 || rows > DETECTOR_RECORD_ROWS)
        return -EINVAL;
    for (size_t f = 0; f < detector->feature_count; f++) {
        feature_rows[f] = read_u8(in);
        if (feature_rows[f] > rows || read_cells(&detector->features[f], in, feature_rows[f],
                                                 &cells[f * DETECTOR_RECORD_ROWS]) < 0)
            return -EINVAL;
    }
    detector_add_rows(detector, cells, rows, DETECTOR_RECORD_ROWS, feature_rows, now_ms);
    *ret_rows = rows;
    *ret_now_ms = now_ms;
    return 0;
}

int detector_replay(struct detector *detector, const void *bytes, size_t size,
                    detector_replayed told, void *context)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    union detector_cell *cells =
        calloc(detector->feature_count * DETECTOR_RECORD_ROWS, sizeof(*cells));
    size_t *feature_rows = calloc(detector->feature_count, sizeof(*feature_rows));
    int rc = cells && feature_rows ? 0 : -ENOMEM;
    while (rc == 0 && in.at < in.size) {
        size_t rows;
        int64_t now_ms;
        rc = replay_record(detector, &in, cells, feature_rows, &rows, &now_ms);
        if (rc == 0)
            told(context, cells, rows, DETECTOR_RECORD_ROWS, feature_rows, now_ms);
    }
    free(cells);
    free(feature_rows);
    return rc;
}
