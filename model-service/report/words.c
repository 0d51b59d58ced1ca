/* words.c - what happened, in sentences. */
#include "report/words.h"

#include "report/print.h"

#include <math.h>

/* A mean that moved by less than this share of the reference's deviation is said to have stayed,
 * and so is a deviation that changed by less than the second. */
#define NOTABLE_SHIFT  0.05
#define NOTABLE_SPREAD 0.1
/* Shares closer than this are not worth a clause. */
#define NOTABLE_SHARE 0.005
/* Categories named in a sentence. */
#define NAMED_CATEGORIES 3

/* Clauses of one sentence: the first begins with a capital, a full stop ends them. */
struct sentence {
    struct buffer *out;
    bool begun;
};

static void clause(struct sentence *sentence, const char *first, const char *later)
{
    buffer_append_text(sentence->out, sentence->begun ? "; " : "");
    buffer_append_text(sentence->out, sentence->begun ? later : first);
    sentence->begun = true;
}

/* --- numbers --- */

static void say_mean(struct sentence *sentence, const struct detector_feature_report *feature)
{
    const double from = feature->reference_mean, to = feature->window_mean;
    const double unit = feature->reference_deviation > 0 ? feature->reference_deviation : 0;
    if (isnan(from) || isnan(to))
        return;
    const struct number_pair pair = pair_words(from, to);
    clause(sentence, "The mean ", "the mean ");
    if (fabs(to - from) <= NOTABLE_SHIFT * unit)
        print(sentence->out, "stayed near %s", number_words(from).text);
    else
        print(sentence->out, "%s from %s to %s", to > from ? "rose" : "fell", pair.from.text,
              pair.to.text);
}

static void say_spread(struct sentence *sentence, const struct detector_feature_report *feature)
{
    const double from = feature->reference_deviation, to = feature->window_deviation;
    if (isnan(from) || isnan(to) || fabs(to - from) <= NOTABLE_SPREAD * from)
        return;
    const struct number_pair pair = pair_words(from, to);
    clause(sentence, "The standard deviation ", "the standard deviation ");
    print(sentence->out, "%s from %s to %s", to > from ? "grew" : "fell", pair.from.text,
          pair.to.text);
}

/* The share beyond the value at which the curves are furthest apart: on the side that grew. */
static void say_share(struct sentence *sentence, const struct feature_picture *picture)
{
    const struct curve_point *apart = &picture->apart;
    if (!picture->has_curves || fabs(apart->reference - apart->current) < NOTABLE_SHARE)
        return;
    const bool below = apart->current > apart->reference;
    const struct number_pair pair =
        below ? percent_pair_words(apart->reference, apart->current)
              : percent_pair_words(1 - apart->reference, 1 - apart->current);
    const char *side =
        below ? (apart->before ? "below" : "up to") : (apart->before ? "from" : "above");
    clause(sentence, "The share ", "the share ");
    print(sentence->out, "%s %s%s grew from %s to %s", side, number_words(apart->x).text,
          !below && apart->before ? " on" : "", pair.from.text, pair.to.text);
}

static void say_missing(struct sentence *sentence, const struct detector_feature_report *feature)
{
    if (!feature->missing_significant || feature->window_rows == 0)
        return;
    const double from = (double)feature->reference_missing / (double)feature->reference_rows;
    const double to = (double)feature->window_missing / (double)feature->window_rows;
    const struct number_pair pair = percent_pair_words(from, to);
    clause(sentence, "Missing values ", "missing values ");
    print(sentence->out, "%s from %s to %s of the rows", to > from ? "grew" : "fell",
          pair.from.text, pair.to.text);
}

static void say_infinite(struct sentence *sentence, const struct detector_feature_report *feature)
{
    if (feature->window_infinite == 0)
        return;
    clause(sentence, "", "");
    print(sentence->out, "%llu value%s infinite", (unsigned long long)feature->window_infinite,
          feature->window_infinite == 1 ? " is" : "s are");
}

/* --- categories --- */

const char *words_reserved(const struct picture_category *category)
{
    if (!category->reserved)
        return NULL;
    if (strcmp(category->name, "__missing__") == 0)
        return "missing";
    return strcmp(category->name, "__unseen__") == 0 ? "not in the reference"
                                                     : "rare categories together";
}

static void say_category(struct sentence *sentence, const struct picture_category *category,
                         name_writer *name)
{
    const struct number_pair pair = percent_pair_words(category->reference, category->current);
    clause(sentence, "", "");
    if (category->reserved)
        buffer_append_text(sentence->out, words_reserved(category));
    else
        name(sentence->out, category->name);
    print(sentence->out, " %s from %s to %s",
          category->current > category->reference ? "grew" : "fell", pair.from.text, pair.to.text);
}

static bool moved_notably(const struct picture_category *category)
{
    return fabs(category->current - category->reference) >= NOTABLE_SHARE;
}

/* Missing values have a clause of their own. */
static bool is_worth_naming(const struct picture_category *category)
{
    return moved_notably(category) &&
           !(category->reserved && strcmp(category->name, "__missing__") == 0);
}

static void say_categories(struct sentence *sentence, const struct feature_picture *picture,
                           name_writer *name)
{
    size_t named = 0;
    for (size_t i = 0; i < picture->categories; i++)
        if (is_worth_naming(&picture->category[i]) &&
            (picture->category[i].reserved || named++ < NAMED_CATEGORIES))
            say_category(sentence, &picture->category[i], name);
    if (!sentence->begun)
        clause(sentence, "No category's share changed notably", "");
}

/* --- whole sentences --- */

void words_feature(struct buffer *out, const struct detector_feature_report *feature,
                   const struct feature_picture *picture, name_writer *name)
{
    struct sentence sentence = {out, false};
    if (feature->window_rows == 0) {
        buffer_append_text(out, "No row has come yet.");
        return;
    }
    /* first what the evidence is about: the values, or that they are missing */
    const bool missing_first =
        feature->type == FEATURE_NUMERIC && !feature->method[METHOD_KS_TEST].significant;
    if (missing_first)
        say_missing(&sentence, feature);
    if (feature->type == FEATURE_NUMERIC) {
        say_mean(&sentence, feature);
        say_share(&sentence, picture);
        say_spread(&sentence, feature);
        say_infinite(&sentence, feature);
    } else {
        say_categories(&sentence, picture, name);
    }
    if (!missing_first)
        say_missing(&sentence, feature);
    if (!sentence.begun)
        clause(&sentence, "There is no finite value to compare", "");
    buffer_append_char(out, '.');
}

void words_summary(struct buffer *out, const struct report_view *view, name_writer *name)
{
    const struct detector_report *drift = view->drift;
    size_t inputs = 0, drifted = 0;
    for (size_t f = 0; f < drift->feature_count; f++) {
        inputs += !drift->features[f].prediction;
        drifted += !drift->features[f].prediction && drift->features[f].drifted;
    }
    if (!drift->sufficient) {
        print(out, "Not enough rows for a verdict: %llu, and at least %llu are needed.",
              (unsigned long long)drift->window_rows, (unsigned long long)drift->minimum_sample);
        return;
    }
    if (drifted == 0)
        print(out, "No drift in %zu feature%s", inputs, inputs == 1 ? "" : "s");
    else
        print(out, "%zu of %zu feature%s drifted", drifted, inputs, inputs == 1 ? "" : "s");
    for (size_t i = 0; drifted > 0 && i < view->features; i++) {
        const struct detector_feature_report *feature = &drift->features[view->feature[i]];
        if (feature->prediction || !feature->drifted)
            continue;
        buffer_append_text(out, drifted > 1 ? ", the strongest is " : ": ");
        name(out, feature->name);
        break;
    }
    buffer_append_text(out, drift->prediction_drift_detected ? "; the predictions drifted." : ".");
}

void words_bin(struct buffer *out, const struct shape_bin *bin)
{
    const struct number_pair pair = pair_words(bin->low, bin->high);
    switch (bin->kind) {
    case BIN_RANGE:
        if (isinf(bin->low) && isinf(bin->high))
            print(out, "any number");
        else if (isinf(bin->low))
            print(out, "up to %s", number_words(bin->high).text);
        else if (isinf(bin->high))
            print(out, "above %s", number_words(bin->low).text);
        else
            print(out, "%s to %s", pair.from.text, pair.to.text);
        break;
    case BIN_BETWEEN:
        if (isinf(bin->low))
            print(out, "below %s", number_words(bin->high).text);
        else
            print(out, "between %s and %s", pair.from.text, pair.to.text);
        break;
    case BIN_VALUE:
        print(out, "exactly %s", number_words(bin->low).text);
        break;
    case BIN_BELOW:
        print(out, "below %s", number_words(bin->low).text);
        break;
    case BIN_ABOVE:
        print(out, "above %s", number_words(bin->high).text);
        break;
    case BIN_GAPS:
        print(out, "between frequent values");
        break;
    case BIN_MISSING:
        print(out, "missing");
        break;
    case BIN_INFINITE:
        print(out, "infinite");
        break;
    }
}
