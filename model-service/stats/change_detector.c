/* change_detector.c - eight detectors of change in a stream behind one table. */
#include "change_detector.h"

#include <errno.h>
#include <math.h>
#include <string.h>

struct kind {
    const char *name;
    enum change_input input;
    bool warns, alerts;
    void (*init)(struct change_detector *detector, uint64_t seed);
    /* *ret_age: written with CHANGE_DRIFT, observations since the change began. */
    enum change_state (*update)(struct change_detector *detector, double x, uint64_t *ret_age);
};

static void init_adwin(struct change_detector *detector, uint64_t seed)
{
    (void)seed;
    drift_adwin_init(&detector->of.adwin, ADWIN_DELTA);
}

static void init_ddm(struct change_detector *detector, uint64_t seed)
{
    (void)seed;
    drift_ddm_init(&detector->of.ddm);
}

static void init_eddm(struct change_detector *detector, uint64_t seed)
{
    (void)seed;
    drift_eddm_init(&detector->of.eddm);
}

static void init_hddm_a(struct change_detector *detector, uint64_t seed)
{
    (void)seed;
    drift_hddm_a_init(&detector->of.hddm_a, detector->direction);
}

static void init_hddm_w(struct change_detector *detector, uint64_t seed)
{
    (void)seed;
    drift_hddm_w_init(&detector->of.hddm_w, detector->direction);
}

static void init_page_hinkley(struct change_detector *detector, uint64_t seed)
{
    (void)seed;
    drift_page_hinkley_init(&detector->of.page_hinkley, detector->direction);
}

static void init_kswin(struct change_detector *detector, uint64_t seed)
{
    drift_kswin_init(&detector->of.kswin, seed);
}

static void init_urn(struct change_detector *detector, uint64_t seed)
{
    (void)seed;
    drift_urn_rate_init(&detector->of.urn, detector->direction);
}

static enum change_state update_adwin(struct change_detector *detector, double x, uint64_t *ret_age)
{
    return drift_adwin_update(&detector->of.adwin, x, ret_age);
}

static enum change_state update_ddm(struct change_detector *detector, double x, uint64_t *ret_age)
{
    return drift_ddm_update(&detector->of.ddm, x, ret_age);
}

static enum change_state update_eddm(struct change_detector *detector, double x, uint64_t *ret_age)
{
    return drift_eddm_update(&detector->of.eddm, x, ret_age);
}

static enum change_state update_hddm_a(struct change_detector *detector, double x,
                                       uint64_t *ret_age)
{
    return drift_hddm_a_update(&detector->of.hddm_a, x, ret_age);
}

static enum change_state update_hddm_w(struct change_detector *detector, double x,
                                       uint64_t *ret_age)
{
    return drift_hddm_w_update(&detector->of.hddm_w, x, ret_age);
}

static enum change_state update_page_hinkley(struct change_detector *detector, double x,
                                             uint64_t *ret_age)
{
    return drift_page_hinkley_update(&detector->of.page_hinkley, x, ret_age);
}

static enum change_state update_kswin(struct change_detector *detector, double x, uint64_t *ret_age)
{
    *ret_age = KSWIN_SAMPLE;
    return drift_kswin_update(&detector->of.kswin, x);
}

static enum change_state update_urn(struct change_detector *detector, double x, uint64_t *ret_age)
{
    return drift_urn_rate_update(&detector->of.urn, x, ret_age);
}

/* clang-format off */
static const struct kind kinds[CHANGE_DETECTOR_COUNT] = {
    /*                        name            input                warns  alerts */
    [CHANGE_ADWIN]        = { "adwin",        CHANGE_INPUT_UNIT,   false, true,  init_adwin,        update_adwin },
    [CHANGE_DDM]          = { "ddm",          CHANGE_INPUT_UNIT,   true,  false, init_ddm,          update_ddm },
    [CHANGE_EDDM]         = { "eddm",         CHANGE_INPUT_BINARY, true,  false, init_eddm,         update_eddm },
    [CHANGE_HDDM_A]       = { "hddm_a",       CHANGE_INPUT_UNIT,   true,  true,  init_hddm_a,       update_hddm_a },
    [CHANGE_HDDM_W]       = { "hddm_w",       CHANGE_INPUT_UNIT,   true,  false, init_hddm_w,       update_hddm_w },
    [CHANGE_PAGE_HINKLEY] = { "page_hinkley", CHANGE_INPUT_REAL,   false, true,  init_page_hinkley, update_page_hinkley },
    [CHANGE_KSWIN]        = { "kswin",        CHANGE_INPUT_REAL,   false, false, init_kswin,        update_kswin },
    [CHANGE_URN]          = { "urn",          CHANGE_INPUT_BINARY, false, true,  init_urn,          update_urn },
};
/* clang-format on */

static bool is_kind(enum change_detector_kind kind)
{
    return (unsigned)kind < CHANGE_DETECTOR_COUNT;
}

const char *drift_change_detector_name(enum change_detector_kind kind)
{
    return is_kind(kind) ? kinds[kind].name : NULL;
}

int drift_change_detector_kind_of(const char *name, enum change_detector_kind *ret_kind)
{
    for (int kind = 0; name && kind < CHANGE_DETECTOR_COUNT; kind++) {
        if (strcmp(kinds[kind].name, name) == 0) {
            *ret_kind = (enum change_detector_kind)kind;
            return 0;
        }
    }
    return -EINVAL;
}

enum change_input drift_change_detector_input(enum change_detector_kind kind)
{
    return is_kind(kind) ? kinds[kind].input : CHANGE_INPUT_REAL;
}

bool drift_change_detector_warns(enum change_detector_kind kind)
{
    return is_kind(kind) && kinds[kind].warns;
}

bool drift_change_detector_alerts(enum change_detector_kind kind)
{
    return is_kind(kind) && kinds[kind].alerts;
}

int drift_change_detector_init(struct change_detector *detector, enum change_detector_kind kind,
                               enum change_direction direction, uint64_t seed)
{
    if (!is_kind(kind) || (direction != CHANGE_UP && direction != CHANGE_BOTH))
        return -EINVAL;
    memset(detector, 0, sizeof(*detector));
    detector->kind = kind;
    detector->direction = direction;
    kinds[kind].init(detector, seed);
    return 0;
}

static bool is_taken(enum change_input input, double x)
{
    switch (input) {
    case CHANGE_INPUT_BINARY:
        return x == 0 || x == 1;
    case CHANGE_INPUT_UNIT:
        return x >= 0 && x <= 1;
    case CHANGE_INPUT_REAL:
        break;
    }
    return fabs(x) <= CHANGE_MAX_MAGNITUDE;
}

int drift_change_detector_update(struct change_detector *detector, double x)
{
    const struct kind *kind = &kinds[detector->kind];
    uint64_t age = 1;
    if (!is_taken(kind->input, x))
        return -EINVAL;
    detector->observations++;
    /* No negative zero, so that equal states are equal bytes. */
    detector->state = kind->update(detector, x == 0 ? 0 : x, &age);
    if (detector->state == CHANGE_DRIFT) {
        detector->onsets++;
        detector->onset = detector->observations - age;
    }
    return (int)detector->state;
}

int drift_change_detector_onset(const struct change_detector *detector, uint64_t *ret_index)
{
    if (detector->onsets == 0)
        return -ENODATA;
    *ret_index = detector->onset;
    return 0;
}
