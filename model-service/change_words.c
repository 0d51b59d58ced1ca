/* change_words.c - see the header. */
#include "change_words.h"

#include <stdio.h>

static void write_missing(const struct change_description *description,
                          char text[CHANGE_WORDS_BYTES])
{
    const char *how = description->more_missing ? "more" : "fewer";
    if (description->change.kind == URN_SHAPE)
        how = "another share of";
    snprintf(text, CHANGE_WORDS_BYTES, "%s missing values", how);
}

void change_words(const struct change_description *description, char text[CHANGE_WORDS_BYTES])
{
    static const char *const tails[] = {"lower tail", "tails", "upper tail"};
    const struct urn_change *change = &description->change;
    if (description->part == URN_MISSINGNESS) {
        write_missing(description, text);
        return;
    }
    switch (change->kind) {
    case URN_UP:
    case URN_DOWN:
        snprintf(text, CHANGE_WORDS_BYTES, "shifted %s by about %.2g deviations",
                 change->kind == URN_UP ? "up" : "down", description->deviations);
        break;
    case URN_WIDER:
    case URN_NARROWER:
        snprintf(text, CHANGE_WORDS_BYTES, "%s, variance times about %.2g",
                 drift_urn_change_name(change->kind), change->size);
        break;
    case URN_TAILS:
        snprintf(text, CHANGE_WORDS_BYTES, "more rows in the %s", tails[(int)change->size + 1]);
        break;
    case URN_SHARE_UP:
    case URN_SHARE_DOWN:
        snprintf(text, CHANGE_WORDS_BYTES, "\"%s\" %s often",
                 description->category ? description->category : "",
                 change->kind == URN_SHARE_UP ? "more" : "less");
        break;
    case URN_SHAPE:
    case URN_CHANGE_KINDS:
        snprintf(text, CHANGE_WORDS_BYTES, "another shape");
        break;
    }
}

const char *change_part_name(enum urn_part part)
{
    return part == URN_VALUES ? "values" : "missing";
}

bool change_is_more_missing(const struct urn_feature *feature, const struct urn_change *change)
{
    const bool absent = drift_urn_feature_code(feature, URN_MISSINGNESS, change->bin) == 1;
    return (change->kind == URN_SHARE_UP) == absent;
}
