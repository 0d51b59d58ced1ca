/* urn_feature_internal.h - the urns of a feature. Internal to libdrift. */
#ifndef DRIFT_URN_FEATURE_INTERNAL_H
#define DRIFT_URN_FEATURE_INTERNAL_H

#include "urn_feature.h"

struct channel {
    struct urn_bins bins;
    const struct urn_bets *bets;
    struct urn *urn; /* NULL: not watched */
    struct urn_episode episode;
    uint16_t *bin_of_code; /* [categories], or NULL */
    size_t categories;
};

struct urn_feature {
    struct channel channel[URN_PARTS];
    double waited; /* start weights of rows without a value, for the next one */
};

#endif
