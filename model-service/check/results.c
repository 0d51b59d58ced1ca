/* results.c - every score of a check, the strongest first. */
#include "check/check.h"
#include "stats/reference.h"

#include <math.h>
#include <stdlib.h>

static const struct detector_method_report *method_of(const struct check_result *result)
{
    return &result->feature->method[result->method];
}

static double strength(const struct detector_method_report *method)
{
    const double relative = method->score / method->threshold;
    return isnan(relative) ? -1 : relative;
}

static int compare(double larger_first_a, double larger_first_b)
{
    return (larger_first_a < larger_first_b) - (larger_first_a > larger_first_b);
}

static int by_strength(const void *a, const void *b)
{
    const struct check_result *x = a, *y = b;
    const struct detector_method_report *left = method_of(x), *right = method_of(y);
    if (left->drifted != right->drifted)
        return left->drifted ? -1 : 1;
    if (left->significant != right->significant)
        return left->significant ? -1 : 1;
    int order = compare(x->strength, y->strength);
    if (order == 0)
        order = x->feature < y->feature ? -1 : x->feature > y->feature;
    return order != 0 ? order : (int)x->method - (int)y->method;
}

struct check_result *check_results(const struct check *check, size_t *ret_count)
{
    const struct detector_report *report = &check->report;
    struct check_result *results = calloc(report->feature_count * METHOD_COUNT, sizeof(*results));
    size_t count = 0;
    if (!results)
        return NULL;
    for (size_t f = 0; f < report->feature_count; f++)
        for (enum drift_method method = 0; method < METHOD_COUNT; method++) {
            const struct detector_feature_report *feature = &report->features[f];
            if (feature->method[method].applies)
                results[count++] =
                    (struct check_result){feature, method, strength(&feature->method[method])};
        }
    qsort(results, count, sizeof(*results), by_strength);
    *ret_count = count;
    return results;
}

bool check_names_drift(const struct check_result *results, size_t i)
{
    if (!results[i].feature->drifted)
        return false;
    for (size_t before = 0; before < i; before++)
        if (results[before].feature == results[i].feature)
            return false;
    return true;
}

/* How well a result stands for its feature: by whether it says what the feature's verdict is, by
 * whether the service computes its method, by whether it has evidence. */
static unsigned fitness(const struct check_result *result)
{
    const struct detector_method_report *method = method_of(result);
    return 4u * (method->drifted == result->feature->drifted) +
           2u * ((DETECTOR_LIVE_METHODS >> result->method & 1) != 0) + !isnan(method->p_value);
}

bool check_stands_for_feature(const struct check_result *results, size_t count, size_t i)
{
    const unsigned mine = fitness(&results[i]);
    for (size_t other = 0; other < count; other++)
        if (other != i && results[other].feature == results[i].feature &&
            fitness(&results[other]) >= mine + (other > i))
            return false;
    return true;
}

static bool note_cap(const struct check *check, size_t i, char note[CHECK_NOTE_BYTES])
{
    struct detector_details details;
    detector_details(check->detector, i, &details);
    if (details.other_categories == 0)
        return false;
    snprintf(
        note, CHECK_NOTE_BYTES,
        "%s has more than %u categories in the reference: the %llu least frequent count as one",
        excerpt(check->columns.column[i].name).text, REFERENCE_MAX_CATEGORIES,
        (unsigned long long)details.other_categories);
    return true;
}

bool check_note(const struct check *check, size_t i, char note[CHECK_NOTE_BYTES])
{
    const struct check_column *column = &check->columns.column[i];
    const uint64_t values = column->kind.numbers + column->kind.texts;
    const bool mostly_numbers = column->kind.numbers > 0 && 2 * column->kind.numbers >= values;
    if (check->settings->model && column_kind_are_large(&column->kind))
        snprintf(note, CHECK_NOTE_BYTES,
                 "%s has whole numbers above 2^53, such as %s in line %llu of the reference: a "
                 "64-bit float cannot tell such numbers apart, as if they were equal",
                 excerpt(column->name).text, column->kind.large.text.text,
                 (unsigned long long)column->kind.large.line);
    else if (column->categorical && column->kind.texts == 0 && column_kind_are_codes(&column->kind))
        snprintf(note, CHECK_NOTE_BYTES,
                 "%s is read as text: its numbers are codes, as \"%s\" in line %llu of the "
                 "reference has leading zeros",
                 excerpt(column->name).text, column->kind.zeros.text.text,
                 (unsigned long long)column->kind.zeros.line);
    else if (!check->settings->model && mostly_numbers && column->kind.texts > 0)
        snprintf(note, CHECK_NOTE_BYTES,
                 "%s is read as %s: %llu of %llu values of the reference are numbers, line %llu "
                 "has \"%s\"",
                 excerpt(column->name).text, column->categorical ? "text" : "numbers",
                 (unsigned long long)column->kind.numbers, (unsigned long long)values,
                 (unsigned long long)column->kind.text.line, column->kind.text.text.text);
    else if (column->counts_up)
        snprintf(note, CHECK_NOTE_BYTES,
                 "%s rises from row to row like a row number or a time: --exclude it if it is one",
                 excerpt(column->name).text);
    else
        return note_cap(check, i, note);
    return true;
}
