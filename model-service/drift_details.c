/* drift_details.c - quantiles, and the categories that moved. */
#include "drift_details.h"

#include "drift_detector_internal.h"

#include <math.h>

const double details_probability[DETAILS_QUANTILES] = {0.05, 0.25, 0.5, 0.75, 0.95};

static void describe_numbers(const struct feature *feature, struct detector_details *details)
{
    for (size_t i = 0; i < DETAILS_QUANTILES; i++) {
        const double p = details_probability[i];
        details->reference_quantile[i] =
            drift_numeric_reference_quantile(&feature->reference.numeric, p);
        details->current_quantile[i] = drift_feature_window_quantile(feature->window, p);
    }
    details->wasserstein_bound = drift_feature_window_wasserstein_bound(feature->window);
}

static const char *category_name(const struct categorical_reference *reference, uint32_t code)
{
    if (code == categorical_code_missing(reference))
        return "__missing__";
    if (code == categorical_code_unseen(reference))
        return "__unseen__";
    return code == categorical_code_rare(reference) ? "__other__" : reference->name[code];
}

const char *feature_category_name(const struct feature *feature, uint32_t code)
{
    return category_name(&feature->reference.categorical, code);
}

const char *detector_category_name(const struct detector *detector, size_t feature, uint32_t code)
{
    return feature_category_name(&detector->features[feature], code);
}

static void describe_categories(const struct feature *feature, struct detector_details *details)
{
    struct category_move moves[DETAILS_MOVES];
    details->moves = drift_feature_window_moves(feature->window, moves, DETAILS_MOVES);
    for (size_t i = 0; i < details->moves; i++)
        details->move[i] = (struct detector_move){
            .category = category_name(&feature->reference.categorical, moves[i].code),
            .reference_share = moves[i].reference_share,
            .current_share = moves[i].current_share,
        };
    details->other_categories = feature->reference.categorical.rare_categories;
}

void detector_details(const struct detector *detector, size_t feature,
                      struct detector_details *ret_details)
{
    const struct feature *described = &detector->features[feature];
    *ret_details = (struct detector_details){.wasserstein_bound = NAN};
    if (described->type == FEATURE_NUMERIC)
        describe_numbers(described, ret_details);
    else
        describe_categories(described, ret_details);
}
