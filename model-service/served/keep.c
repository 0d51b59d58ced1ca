/* keep.c - see the header. */
#include "served/keep.h"

#include "change_state.h"
#include "drift_state.h"
#include "served/internal.h"
#include "served/numbers.h"
#include "text/hash.h"

#include <errno.h>
#include <string.h>

#define COUNTERS_VERSION 1u

/* --- the journal --- */

static bool journal_open(struct model_journal *journal)
{
    if (!journal->on || journal->whole)
        return false;
    journal->whole = journal->bytes.length > KEPT_JOURNAL_BYTES || journal->bytes.error != 0;
    if (journal->whole)
        buffer_finish(&journal->bytes);
    return !journal->whole;
}

void journal_rows(struct served_model *model, const union detector_cell *cells, size_t rows,
                  size_t stride, const size_t *feature_rows, int64_t now_ms)
{
    struct model_journal *journal = &model->windows.journal;
    if (journal_open(journal))
        detector_record_rows(model->windows.detector, cells, rows, stride, feature_rows, now_ms,
                             &journal->bytes);
}

void journal_event(struct served_model *model, const struct concept_event *event)
{
    struct model_journal *journal = &model->labels.journal;
    if (journal_open(journal))
        concept_monitor_record(model->labels.monitor, event, &journal->bytes);
}

void journal_history(struct served_model *model)
{
    struct model_journal *journal = &model->history.journal;
    if (journal_open(journal))
        model_history_record(model->history.history, &journal->bytes);
}

void windows_set_change_rule(struct guarded_windows *windows, const struct change_rule *rule)
{
    const struct change_rule now = change_monitor_rule(windows->changes);
    if (now.false_page_seconds == rule->false_page_seconds && now.materiality == rule->materiality)
        return;
    change_monitor_retune(windows->changes, rule);
    windows->journal.whole = windows->journal.on;
}

/* --- keeping --- */

static uint64_t mix(uint64_t hash, uint64_t number)
{
    return (hash ^ number) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 32;
}

uint64_t served_model_identity(const struct served_model *model)
{
    const struct model_definition *definition = &model->definition;
    uint64_t hash = detector_identity(model->windows.detector);
    hash = mix(hash, concept_monitor_identity(model->labels.monitor));
    hash = mix(hash, text_hash(definition->name, strlen(definition->name)));
    for (size_t c = 0; c < definition->classes.count; c++)
        hash =
            mix(hash, text_hash(definition->classes.name[c], strlen(definition->classes.name[c])));
    return mix(hash, model->windows.streams.count);
}

static void save_counters(const struct served_model *model, struct buffer *out)
{
    const struct model_counters *counters = &model->counters;
    append_number(out, COUNTERS_VERSION);
    append_number(out, atomic_load(&counters->sequence));
    append_number(out, atomic_load(&counters->simulated));
    append_number(out, atomic_load(&counters->rejected));
    append_number(out, atomic_load(&counters->simulations));
    append_number(out, atomic_load(&counters->latency_sum_ns));
    for (size_t b = 0; b <= LATENCY_BUCKETS; b++)
        append_number(out, atomic_load(&counters->latency[b]));
    for (size_t c = 0; c <= model->definition.classes.count; c++)
        append_number(out, atomic_load(&counters->predictions[c]));
}

/* Moves what has been written to `block` behind its size; empties the block. */
static void append_block(struct buffer *out, struct buffer *block)
{
    append_number(out, block->length);
    buffer_append(out, block->data, block->length);
    if (block->error)
        buffer_fail(out, block->error);
    buffer_finish(block);
}

static void save_windows(const struct served_model *model, struct buffer *out)
{
    const struct guarded_windows *windows = &model->windows;
    struct buffer block;
    buffer_init(&block, 4096);
    detector_save_windows(windows->detector, &block);
    append_block(out, &block);
    for (size_t i = 0; i < windows->streams.count; i++) {
        const struct change_watch *watch = model_streams_watch(&windows->streams, i);
        const size_t size = drift_change_watch_save(watch, NULL, 0);
        append_number(out, size);
        char *room = buffer_reserve(out, size);
        if (room)
            out->length += drift_change_watch_save(watch, room, size);
    }
    change_monitor_save(windows->changes, &block);
    append_block(out, &block);
}

static bool is_due(const struct served_model *model, const struct model_journal *journal,
                   enum kept_part part)
{
    const struct model_keeping *keeping = &model->keeping;
    const uint64_t least = keeping->whole_bytes[part] > KEPT_LEAST_BYTES
                               ? keeping->whole_bytes[part]
                               : KEPT_LEAST_BYTES;
    return journal->whole || journal->bytes.error ||
           keeping->journal_bytes[part] + journal->bytes.length > least;
}

/* The journal becomes the piece, and starts again; or everything is saved by the caller. */
static void take_journal(struct model_journal *journal, bool whole, struct kept_piece *piece)
{
    piece->whole = whole;
    piece->taken = whole || journal->bytes.length > 0;
    if (!whole)
        piece->bytes = journal->bytes;
    else
        buffer_finish(&journal->bytes);
    buffer_init(&journal->bytes, 0);
    journal->whole = false;
}

static void keep_windows(struct served_model *model, bool all, struct kept_piece *pieces)
{
    struct guarded_windows *windows = &model->windows;
    struct kept_piece *piece = &pieces[KEPT_WINDOWS];
    pthread_mutex_lock(&windows->mu);
    take_journal(&windows->journal, all || is_due(model, &windows->journal, KEPT_WINDOWS), piece);
    if (piece->whole)
        save_windows(model, &piece->bytes);
    detector_save_head(windows->detector, &pieces[KEPT_HEAD].bytes);
    pthread_mutex_unlock(&windows->mu);
}

static void keep_labels(struct served_model *model, bool all, struct kept_piece *piece)
{
    struct guarded_labels *labels = &model->labels;
    pthread_mutex_lock(&labels->mu);
    take_journal(&labels->journal, all || is_due(model, &labels->journal, KEPT_LABELS), piece);
    if (piece->whole)
        concept_monitor_save(labels->monitor, &piece->bytes);
    pthread_mutex_unlock(&labels->mu);
}

static void keep_history(struct served_model *model, bool all, struct kept_piece *piece)
{
    struct guarded_history *history = &model->history;
    pthread_mutex_lock(&history->mu);
    take_journal(&history->journal, all || is_due(model, &history->journal, KEPT_HISTORY), piece);
    if (piece->whole)
        model_history_save(history->history, &piece->bytes);
    pthread_mutex_unlock(&history->mu);
}

/* Small parts are kept when they have changed. */
static void note_small(struct served_model *model, enum kept_part part, bool all,
                       struct kept_piece *piece)
{
    const uint64_t hash = text_hash(piece->bytes.data, piece->bytes.length);
    piece->whole = true;
    piece->taken = all || hash != model->keeping.hash[part];
    model->keeping.hash[part] = hash;
}

static void note_large(struct served_model *model, enum kept_part part,
                       const struct kept_piece *piece)
{
    struct model_keeping *keeping = &model->keeping;
    if (piece->whole) {
        keeping->whole_bytes[part] = piece->bytes.length;
        keeping->journal_bytes[part] = 0;
    } else {
        keeping->journal_bytes[part] += piece->bytes.length;
    }
}

int served_model_keep(struct served_model *model, bool all, struct kept_piece pieces[KEPT_PARTS])
{
    keep_windows(model, all, pieces);
    keep_labels(model, all, &pieces[KEPT_LABELS]);
    keep_history(model, all, &pieces[KEPT_HISTORY]);
    save_counters(model, &pieces[KEPT_COUNTERS].bytes);
    for (enum kept_part part = 0; part < KEPT_PARTS; part++)
        if (pieces[part].bytes.error) {
            kept_pieces_finish(pieces);
            return -ENOMEM;
        }
    note_large(model, KEPT_WINDOWS, &pieces[KEPT_WINDOWS]);
    note_large(model, KEPT_LABELS, &pieces[KEPT_LABELS]);
    note_large(model, KEPT_HISTORY, &pieces[KEPT_HISTORY]);
    note_small(model, KEPT_HEAD, all, &pieces[KEPT_HEAD]);
    note_small(model, KEPT_COUNTERS, all, &pieces[KEPT_COUNTERS]);
    return 0;
}

void kept_pieces_finish(struct kept_piece pieces[KEPT_PARTS])
{
    for (enum kept_part part = 0; part < KEPT_PARTS; part++) {
        buffer_finish(&pieces[part].bytes);
        pieces[part] = (struct kept_piece){.taken = false};
    }
}

static void journal_begin(struct model_journal *journal, pthread_mutex_t *mu, bool whole)
{
    pthread_mutex_lock(mu);
    *journal = (struct model_journal){.on = true, .whole = whole};
    pthread_mutex_unlock(mu);
}

void served_model_keep_begin(struct served_model *model, bool restored)
{
    struct model_keeping *keeping = &model->keeping;
    const uint64_t *whole = keeping->whole_bytes;
    journal_begin(&model->windows.journal, &model->windows.mu, !restored || !whole[KEPT_WINDOWS]);
    journal_begin(&model->labels.journal, &model->labels.mu, !restored || !whole[KEPT_LABELS]);
    journal_begin(&model->history.journal, &model->history.mu, !restored || !whole[KEPT_HISTORY]);
    if (!keeping->replays)
        return;
    keeping->replays = false;
    pthread_mutex_lock(&model->windows.mu);
    windows_set_change_rule(&model->windows, &keeping->rule);
    pthread_mutex_unlock(&model->windows.mu);
}

bool served_model_is_kept(struct served_model *model)
{
    pthread_mutex_lock(&model->windows.mu);
    const bool kept = model->windows.journal.on;
    pthread_mutex_unlock(&model->windows.mu);
    return kept;
}

/* --- restoring --- */

static int restore_counters(struct served_model *model, struct pieces_reader in)
{
    struct model_counters *counters = &model->counters;
    const size_t classes = model->definition.classes.count;
    uint64_t version, number;
    if (in.size != NUMBER_BYTES * (6 + LATENCY_BUCKETS + 1 + classes + 1) ||
        !take_number(&in, &version) || version != COUNTERS_VERSION)
        return -EINVAL;
    _Atomic uint64_t *const single[] = {&counters->sequence, &counters->simulated,
                                        &counters->rejected, &counters->simulations,
                                        &counters->latency_sum_ns};
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]) && take_number(&in, &number); i++)
        atomic_store(single[i], number);
    for (size_t b = 0; b <= LATENCY_BUCKETS && take_number(&in, &number); b++)
        atomic_store(&counters->latency[b], number);
    for (size_t c = 0; c <= classes && take_number(&in, &number); c++)
        atomic_store(&counters->predictions[c], number);
    return 0;
}

/* The evidence of changes comes last: versions before the second had none. */
static int restore_changes(struct served_model *model, struct pieces_reader in)
{
    struct model_keeping *keeping = &model->keeping;
    struct change_monitor *changes = model->windows.changes;
    struct pieces_reader block;
    size_t anew = 0;
    if (in.size == 0)
        return 1;
    if (!take_block(&in, &block) || in.size > 0)
        return -EINVAL;
    if (!keeping->replays)
        keeping->rule = change_monitor_rule(changes);
    keeping->replays = true;
    const int rc = change_monitor_restore(changes, block.bytes, block.size, &anew);
    change_monitor_discount(changes, model->windows.detector);
    return rc == 0 ? anew > 0 : rc;
}

static int restore_windows(struct served_model *model, struct pieces_reader in)
{
    struct guarded_windows *windows = &model->windows;
    struct pieces_reader block;
    if (!take_block(&in, &block))
        return -EINVAL;
    int rc = detector_restore_windows(windows->detector, block.bytes, block.size);
    for (size_t i = 0; rc == 0 && i < windows->streams.count; i++)
        rc = take_block(&in, &block)
                 ? drift_change_watch_restore(model_streams_watch(&windows->streams, i),
                                              block.bytes, block.size)
                 : -EINVAL;
    return rc == 0 ? restore_changes(model, in) : rc;
}

static void feed_replayed(void *context, const union detector_cell *cells, size_t rows,
                          size_t stride, const size_t *feature_rows, int64_t now_ms)
{
    const struct guarded_windows *windows = &((struct served_model *)context)->windows;
    const struct model_streams *streams = &windows->streams;
    change_monitor_observe(windows->changes, cells, rows, stride, feature_rows, now_ms);
    change_monitor_discount(windows->changes, windows->detector);
    for (size_t i = 0; i < streams->count; i++) {
        const size_t f = model_streams_feature(streams, i);
        model_streams_feed(streams, i, &cells[f * stride], feature_rows[f], now_ms);
    }
}

static int restore_whole(struct served_model *model, enum kept_part part, const void *bytes,
                         size_t size)
{
    const struct pieces_reader in = {bytes, size};
    switch (part) {
    case KEPT_WINDOWS:
        return restore_windows(model, in);
    case KEPT_HEAD:
        return detector_restore_head(model->windows.detector, bytes, size);
    case KEPT_LABELS:
        return concept_monitor_restore(model->labels.monitor, bytes, size);
    case KEPT_COUNTERS:
        return restore_counters(model, in);
    case KEPT_HISTORY:
        return model_history_restore(model->history.history, bytes, size);
    case KEPT_PARTS:
        break;
    }
    return -EINVAL;
}

static int restore_journal(struct served_model *model, enum kept_part part, const void *bytes,
                           size_t size)
{
    if (part == KEPT_WINDOWS)
        return detector_replay(model->windows.detector, bytes, size, feed_replayed, model);
    if (part == KEPT_LABELS)
        return concept_monitor_replay(model->labels.monitor, bytes, size);
    if (part == KEPT_HISTORY)
        return model_history_replay(model->history.history, bytes, size);
    return -EINVAL;
}

/* What did not come whole from the disk goes there whole next time. */
int served_model_restore(struct served_model *model, enum kept_part part, bool whole,
                         const void *bytes, size_t size)
{
    struct model_keeping *keeping = &model->keeping;
    const int rc =
        whole ? restore_whole(model, part, bytes, size) : restore_journal(model, part, bytes, size);
    if (whole)
        keeping->whole_bytes[part] = rc == 0 ? size : 0;
    else
        keeping->journal_bytes[part] += size;
    return rc;
}
