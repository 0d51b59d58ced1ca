/* change_watch.c - several detectors of change on one stream, their drifts held and dated. */
#include "change_watch_internal.h"

#include <errno.h>
#include <stdlib.h>

/* Between two questions whether a held drift may end, as parts of the hold. */
#define HOLD_PARTS 10

static int detectors_create(struct change_watch *watch)
{
    for (enum change_detector_kind kind = 0; kind < CHANGE_DETECTOR_COUNT; kind++)
        watch->count += watch->spec.detectors >> kind & 1;
    watch->watched = calloc(watch->count ? watch->count : 1, sizeof(*watch->watched));
    if (!watch->watched)
        return -ENOMEM;
    struct watched *next = watch->watched;
    for (enum change_detector_kind kind = 0; kind < CHANGE_DETECTOR_COUNT; kind++) {
        if (!(watch->spec.detectors >> kind & 1))
            continue;
        const int rc = drift_change_detector_init(&next->detector, kind, watch->spec.direction,
                                                  watch->spec.seed + kind);
        if (rc < 0)
            return rc;
        next++;
    }
    return 0;
}

int drift_change_watch_create(const struct change_watch_spec *spec, struct change_watch **ret_watch)
{
    if ((spec->detectors & ~CHANGE_ALL_DETECTORS) || spec->hold == 0 || spec->times == 0 ||
        spec->times > CHANGE_WATCH_MAX_TIMES)
        return -EINVAL;
    struct change_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    watch->spec = *spec;
    watch->times = calloc(spec->times, sizeof(*watch->times));
    const int rc = watch->times ? detectors_create(watch) : -ENOMEM;
    if (rc < 0) {
        drift_change_watch_destroy(watch);
        return rc;
    }
    *ret_watch = watch;
    return 0;
}

void drift_change_watch_destroy(struct change_watch *watch)
{
    if (!watch)
        return;
    free(watch->watched);
    free(watch->times);
    free(watch);
}

static int64_t time_of(const struct change_watch *watch, uint64_t index)
{
    const uint64_t times = watch->spec.times;
    uint64_t oldest = watch->observations > times ? watch->observations - times : 0;
    oldest = oldest > watch->primed ? oldest : watch->primed;
    return watch->times[(index > oldest ? index : oldest) % times];
}

static void hold(const struct change_watch *watch, struct watched *watched)
{
    uint64_t index = watch->observations - 1;
    if (!watched->held) {
        const int rc = drift_change_detector_onset(&watched->detector, &index);
        (void)rc; /* without an estimate: the observation that it was signalled on */
        watched->onset_ms = time_of(watch, index);
    }
    watched->held = true;
    watched->held_from = watch->observations;
}

/* The state it led to; CHANGE_NONE for a number that the detector does not take. */
static enum change_state update(struct watched *watched, double unit, double binary)
{
    const bool takes_binary =
        drift_change_detector_input(watched->detector.kind) == CHANGE_INPUT_BINARY;
    const int state =
        drift_change_detector_update(&watched->detector, takes_binary ? binary : unit);
    watched->state = state < 0 ? CHANGE_NONE : (enum change_state)state;
    return watched->state;
}

void drift_change_watch_prime(struct change_watch *watch, double unit, double binary)
{
    watch->observations++;
    watch->primed++;
    for (size_t i = 0; i < watch->count; i++) {
        struct watched *watched = &watch->watched[i];
        (void)update(watched, unit, binary);
        watched->state = CHANGE_NONE;
        watched->primed_onsets = watched->detector.onsets;
    }
}

bool drift_change_watch_observe(struct change_watch *watch, double unit, double binary,
                                int64_t at_ms)
{
    bool signalled = false;
    watch->times[watch->observations++ % watch->spec.times] = at_ms;
    for (size_t i = 0; i < watch->count; i++)
        if (update(&watch->watched[i], unit, binary) == CHANGE_DRIFT) {
            hold(watch, &watch->watched[i]);
            signalled = true;
        }
    return signalled;
}

uint64_t drift_change_watch_observations(const struct change_watch *watch)
{
    return watch->observations - watch->primed;
}

static bool due(const struct change_watch *watch, const struct watched *watched)
{
    const uint64_t since = watch->observations - watched->held_from;
    const uint64_t part = watch->spec.hold / HOLD_PARTS;
    return watched->held && since >= watch->spec.hold &&
           (since - watch->spec.hold) % (part ? part : 1) == 0;
}

bool drift_change_watch_due(const struct change_watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        if (due(watch, &watch->watched[i]))
            return true;
    return false;
}

void drift_change_watch_release(struct change_watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        if (due(watch, &watch->watched[i]))
            watch->watched[i].held = false;
}

bool drift_change_watch_in_drift(const struct change_watch *watch, enum change_detector_kind kind)
{
    for (size_t i = 0; i < watch->count; i++)
        if (watch->watched[i].detector.kind == kind)
            return watch->watched[i].held;
    return false;
}

void drift_change_watch_report(const struct change_watch *watch,
                               struct drift_change_watch_report reports[CHANGE_DETECTOR_COUNT])
{
    for (size_t k = 0; k < CHANGE_DETECTOR_COUNT; k++)
        reports[k] = (struct drift_change_watch_report){.state = CHANGE_NONE};
    for (size_t i = 0; i < watch->count; i++) {
        const struct watched *watched = &watch->watched[i];
        reports[watched->detector.kind] = (struct drift_change_watch_report){
            .enabled = true,
            .state = watched->held ? CHANGE_DRIFT : watched->state,
            .onsets = watched->detector.onsets - watched->primed_onsets,
            .onset_ms = watched->onset_ms};
    }
}
