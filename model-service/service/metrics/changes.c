/* changes.c - metrics of sequential evidence: of a feature's values, and of whether they are
 * missing.
 */
#include "service/metrics/family.h"
#include "system/clock.h"

void walk_changes(struct exposition *out, const struct model_snapshot *model,
                  union metric_value value)
{
    for (size_t f = 0; f < model->report.feature_count; f++)
        for (enum urn_part part = 0; part < URN_PARTS; part++) {
            const struct change_report *change = &model->changes[f].part[part];
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"feature", model->report.features[f].name},
                                                  {"part", change_part_name(part)}};
            double number;

            if (change->watched && value.change(change, &number))
                exposition_sample(out, labels, 3, number);
        }
}

void walk_changed_features(struct exposition *out, const struct model_snapshot *model,
                           union metric_value value)
{
    for (size_t f = 0; f < model->report.feature_count; f++) {
        const struct metric_label labels[] = {{"model", model->name},
                                              {"feature", model->report.features[f].name}};
        double number;

        if (value.changes(&model->changes[f], &number))
            exposition_sample(out, labels, 2, number);
    }
}

bool change_evidence_ratio(const struct change_report *change, double *ret_value)
{
    *ret_value = change->evidence_ratio;
    return true;
}

bool change_open(const struct change_report *change, double *ret_value)
{
    *ret_value = change->open;
    return true;
}

bool change_discount(const struct change_report *change, double *ret_value)
{
    *ret_value = change->discount;
    return true;
}

bool change_notices_only(const struct change_report *change, double *ret_value)
{
    *ret_value = change->limit != CHANGE_PAGES;
    return true;
}

/* --- while a page is open --- */

bool change_onset_time(const struct change_report *change, double *ret_value)
{
    *ret_value = (double)clock_wall_of(change->onset_ms) / 1000;
    return change->open;
}

bool change_rows(const struct change_report *change, double *ret_value)
{
    *ret_value = (double)change->rows;
    return change->open;
}

bool change_size(const struct change_report *change, double *ret_value)
{
    *ret_value = change->change.deviations;
    return change->open;
}

bool change_kind(const struct change_report *change, double *ret_value)
{
    *ret_value = change->change.change.kind;
    return change->open;
}

/* --- of a feature, for its values and its missing values together --- */

static double sum(uint64_t values, uint64_t missing)
{
    return (double)(values + missing);
}

bool changes_pages(const struct feature_changes *changes, double *ret_value)
{
    *ret_value = sum(changes->part[URN_VALUES].pages, changes->part[URN_MISSINGNESS].pages);
    return true;
}

bool changes_notices(const struct feature_changes *changes, double *ret_value)
{
    *ret_value = sum(changes->part[URN_VALUES].notices, changes->part[URN_MISSINGNESS].notices);
    return true;
}
