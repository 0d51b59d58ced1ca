/* change_words.h - a change in words. */
#ifndef CHANGE_WORDS_H
#define CHANGE_WORDS_H

#include "stats/urn_feature.h"

struct change_description {
    enum urn_part part;
    struct urn_change change;
    double deviations;
    const char *category; /* whose share moved; NULL: none */
    bool more_missing;    /* of URN_MISSINGNESS */
};

#define CHANGE_WORDS_BYTES 200
/* "shifted up by about 0.5 deviations", "\"red\" more often", "fewer missing values" */
void change_words(const struct change_description *description, char text[CHANGE_WORDS_BYTES]);

/* "values", "missing" */
const char *change_part_name(enum urn_part part);

/* What happened to a share of missing values: of the urn's change, whether they became more. */
bool change_is_more_missing(const struct urn_feature *feature, const struct urn_change *change);

#endif
