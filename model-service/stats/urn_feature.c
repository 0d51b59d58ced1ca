/* urn_feature.c - the urns of a feature, made from its reference. */
#include "number_sort.h"
#include "urn_feature_internal.h"
#include "urn_order.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Codes of the urn for whether values are missing. */
enum { PRESENT, ABSENT, PRESENCES };

/* Rows of a reference, by number or by code; none of them missing. */
struct sample {
    const double *numbers; /* or NULL */
    const uint32_t *codes;
    size_t rows, categories;
};

static void channel_finish(struct channel *channel)
{
    drift_urn_destroy(channel->urn);
    drift_urn_bins_finish(&channel->bins);
    free(channel->bin_of_code);
    *channel = (struct channel){0};
}

/* --- bins --- */

static int cut_numbers(struct channel *channel, const struct sample *sample)
{
    /* the numbers, and what sorting them needs */
    double *sorted = malloc(3 * sample->rows * sizeof(*sorted));
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < sample->rows; i++)
        sorted[i] = sample->numbers[i] + 0.0; /* one zero */
    drift_number_sort(sorted, sample->rows, (uint64_t *)(sorted + sample->rows));
    const int rc = drift_urn_bins_numeric(&channel->bins, sorted, sample->rows);
    free(sorted);
    return rc;
}

struct tally {
    uint64_t rows;
    uint32_t code;
};

/* The most frequent first. */
static int by_frequency(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;
    if (x->rows != y->rows)
        return x->rows < y->rows ? 1 : -1;
    return (x->code > y->code) - (x->code < y->code);
}

/* A bin for each category that the sample has, in the order of their frequency. */
static int rank_categories(struct channel *channel, struct tally *tally, size_t categories)
{
    uint64_t rows[URN_MAX_CATEGORY_BINS];
    size_t seen = 0;
    qsort(tally, categories, sizeof(*tally), by_frequency);
    for (; seen < categories && tally[seen].rows > 0; seen++) {
        rows[seen] = tally[seen].rows;
        channel->bin_of_code[tally[seen].code] = (uint16_t)(seen + 1);
    }
    return drift_urn_bins_categories(&channel->bins, rows, seen);
}

static int count_codes(struct channel *channel, const struct sample *sample)
{
    const size_t categories = sample->categories;
    struct tally *tally = calloc(categories + 1, sizeof(*tally));
    channel->bin_of_code = calloc(categories + 1, sizeof(*channel->bin_of_code));
    channel->categories = categories;
    if (!tally || !channel->bin_of_code) {
        free(tally);
        return -ENOMEM;
    }
    for (size_t c = 0; c < categories; c++)
        tally[c].code = (uint32_t)c;
    for (size_t i = 0; i < sample->rows; i++)
        if (sample->codes[i] < categories)
            tally[sample->codes[i]].rows++;
    const int rc = rank_categories(channel, tally, categories);
    free(tally);
    return rc;
}

static size_t bin_of_code(const struct channel *channel, uint32_t code)
{
    return code < channel->categories ? channel->bin_of_code[code] : 0;
}

/* --- urns --- */

static size_t bin_of_row(const struct channel *channel, const struct sample *sample, size_t row)
{
    return sample->numbers ? urn_bin_of(&channel->bins, sample->numbers[row])
                           : bin_of_code(channel, sample->codes[row]);
}

static int measure_discount(const struct channel *channel, const struct sample *sample,
                            double *ret_discount)
{
    uint16_t *bin = malloc(sample->rows * sizeof(*bin));
    if (!bin)
        return -ENOMEM;
    for (size_t i = 0; i < sample->rows; i++)
        bin[i] = (uint16_t)bin_of_row(channel, sample, i);
    *ret_discount = drift_urn_discount(&channel->bins, bin, sample->rows);
    free(bin);
    return 0;
}

static int channel_init(struct channel *channel, const struct sample *sample, bool ordered,
                        struct urn_bets_pool *pool)
{
    double discount = 1;
    *channel = (struct channel){0};
    if (sample->rows < URN_FEWEST_VALUES)
        return 0;
    int rc = sample->numbers ? cut_numbers(channel, sample) : count_codes(channel, sample);
    if (rc == 0 && ordered)
        rc = measure_discount(channel, sample, &discount);
    if (rc == 0)
        rc = drift_urn_bets_pool_get(pool, &channel->bins, discount, &channel->bets);
    if (rc == 0)
        rc = drift_urn_create(&channel->bins, channel->bets, &channel->urn);
    if (rc < 0)
        channel_finish(channel);
    return rc;
}

static struct sample part_of(const struct sample *sample, size_t from, size_t to)
{
    return (struct sample){.numbers = sample->numbers ? sample->numbers + from : NULL,
                           .codes = sample->codes ? sample->codes + from : NULL,
                           .rows = to - from,
                           .categories = sample->categories};
}

/* Whether the second half of the sample pages against the first. */
static int rehearse(const struct sample *sample, const struct urn_feature_spec *spec,
                    bool *ret_pages)
{
    struct urn_bets_pool pool = {0};
    struct channel channel;
    const size_t half = sample->rows / 2;
    const struct sample first = part_of(sample, 0, half);
    const int rc = channel_init(&channel, &first, true, &pool);
    for (size_t i = half; rc == 0 && channel.urn && i < sample->rows; i++)
        (void)drift_urn_episode_observe(&channel.episode, channel.urn, &spec->rule,
                                        bin_of_row(&channel, sample, i), spec->start);
    if (rc == 0) {
        *ret_pages = channel.episode.pages > 0;
        channel_finish(&channel);
    }
    drift_urn_bets_pool_finish(&pool);
    return rc;
}

static int make_channel(struct channel *channel, const struct sample *sample,
                        const struct urn_feature_spec *spec, struct urn_bets_pool *pool)
{
    bool pages = false;
    int rc = channel_init(channel, sample, spec->ordered, pool);
    if (rc == 0 && spec->ordered && !spec->notices_only && channel->urn)
        rc = rehearse(sample, spec, &pages);
    channel->episode.notices_only = pages || spec->notices_only;
    return rc;
}

/* --- from the reference --- */

/* The values that are not missing, and for each row whether it is. */
struct columns {
    double *numbers;
    uint32_t *codes, *presence;
    size_t present;
};

static bool is_missing(const struct urn_feature_spec *spec, size_t row)
{
    return spec->numbers ? isnan(spec->numbers[row]) : spec->codes[row] == URN_MISSING;
}

static int columns_init(struct columns *columns, const struct urn_feature_spec *spec)
{
    *columns = (struct columns){0};
    columns->presence = calloc(spec->rows, sizeof(*columns->presence));
    if (spec->numbers)
        columns->numbers = calloc(spec->rows, sizeof(*columns->numbers));
    else
        columns->codes = calloc(spec->rows, sizeof(*columns->codes));
    if (!columns->presence || (!columns->numbers && !columns->codes))
        return -ENOMEM;
    for (size_t i = 0; i < spec->rows; i++) {
        columns->presence[i] = is_missing(spec, i) ? ABSENT : PRESENT;
        if (columns->presence[i] == ABSENT)
            continue;
        if (spec->numbers)
            columns->numbers[columns->present++] = spec->numbers[i];
        else
            columns->codes[columns->present++] = spec->codes[i];
    }
    return 0;
}

static void columns_finish(struct columns *columns)
{
    free(columns->numbers);
    free(columns->codes);
    free(columns->presence);
}

int drift_urn_feature_create(const struct urn_feature_spec *spec, struct urn_bets_pool *pool,
                             struct urn_feature **ret_feature)
{
    struct columns columns;
    struct urn_feature_spec presence_spec = *spec;
    if (spec->rows == 0 || spec->rows > URN_MAX_REFERENCE_ROWS || (!spec->numbers && !spec->codes))
        return -EINVAL;
    struct urn_feature *feature = calloc(1, sizeof(*feature));
    if (!feature)
        return -ENOMEM;
    int rc = columns_init(&columns, spec);
    const struct sample values = {columns.numbers, columns.codes, columns.present,
                                  spec->categories};
    const struct sample presence = {NULL, columns.presence, spec->rows, PRESENCES};
    if (rc == 0)
        rc = make_channel(&feature->channel[URN_VALUES], &values, spec, pool);
    /* where nothing is missing there is no order to measure */
    presence_spec.ordered &= columns.present < spec->rows;
    if (rc == 0 && !spec->always_present)
        rc = make_channel(&feature->channel[URN_MISSINGNESS], &presence, &presence_spec, pool);
    columns_finish(&columns);
    if (rc < 0)
        drift_urn_feature_destroy(feature);
    else
        *ret_feature = feature;
    return rc;
}

void drift_urn_feature_destroy(struct urn_feature *feature)
{
    if (!feature)
        return;
    for (size_t i = 0; i < URN_PARTS; i++)
        channel_finish(&feature->channel[i]);
    free(feature);
}

/* --- rows --- */

static enum urn_event observe(struct channel *channel, const struct urn_rule *rule, size_t bin,
                              double start)
{
    if (!channel->urn)
        return URN_NOTHING;
    return drift_urn_episode_observe(&channel->episode, channel->urn, rule, bin, start);
}

static bool observe_presence(struct urn_feature *feature, const struct urn_rule *rule, bool missing,
                             double start, enum urn_event events[URN_PARTS])
{
    struct channel *channel = &feature->channel[URN_MISSINGNESS];
    const size_t bin = bin_of_code(channel, missing ? ABSENT : PRESENT);
    events[URN_VALUES] = URN_NOTHING;
    events[URN_MISSINGNESS] = observe(channel, rule, bin, start);
    feature->waited += start;
    return !missing;
}

static void observe_value(struct urn_feature *feature, const struct urn_rule *rule, size_t bin,
                          enum urn_event events[URN_PARTS])
{
    events[URN_VALUES] = observe(&feature->channel[URN_VALUES], rule, bin, feature->waited);
    feature->waited = 0;
}

void drift_urn_feature_observe_number(struct urn_feature *feature, const struct urn_rule *rule,
                                      double x, double start, enum urn_event events[URN_PARTS])
{
    const struct channel *values = &feature->channel[URN_VALUES];
    if (observe_presence(feature, rule, isnan(x), start, events) && values->urn)
        observe_value(feature, rule, urn_bin_of(&values->bins, x), events);
}

void drift_urn_feature_observe_code(struct urn_feature *feature, const struct urn_rule *rule,
                                    uint32_t code, double start, enum urn_event events[URN_PARTS])
{
    if (observe_presence(feature, rule, code == URN_MISSING, start, events))
        observe_value(feature, rule, bin_of_code(&feature->channel[URN_VALUES], code), events);
}

/* --- rows together --- */

static bool is_quiet(const struct channel *channel)
{
    return !channel->episode.suspected && !channel->episode.open;
}

/* Whether both urns can take several rows at once. */
static bool takes_rows(const struct urn_feature *feature, size_t rows)
{
    return rows > 1 && is_quiet(&feature->channel[URN_VALUES]) &&
           is_quiet(&feature->channel[URN_MISSINGNESS]);
}

static enum urn_event observe_bins(struct channel *channel, const struct urn_rule *rule,
                                   const uint16_t *bin, size_t rows, double start)
{
    size_t taken;
    if (!channel->urn)
        return URN_NOTHING;
    return drift_urn_episode_observe_rows(&channel->episode, channel->urn, rule, bin, rows, start,
                                          &taken);
}

/* bin: of the values that are there; missing: a flag per row. */
static void observe_block(struct urn_feature *feature, const struct urn_rule *rule,
                          const uint16_t *bin, size_t present, const bool *missing, size_t rows,
                          double start, enum urn_event events[URN_PARTS])
{
    struct channel *presence = &feature->channel[URN_MISSINGNESS];
    const uint16_t absent_bin = (uint16_t)bin_of_code(presence, ABSENT);
    const uint16_t present_bin = (uint16_t)bin_of_code(presence, PRESENT);
    uint16_t presence_bin[URN_BLOCK_ROWS];
    for (size_t r = 0; r < rows; r++)
        presence_bin[r] = missing[r] ? absent_bin : present_bin;
    events[URN_MISSINGNESS] = observe_bins(presence, rule, presence_bin, rows, start);
    events[URN_VALUES] = URN_NOTHING;
    feature->waited += start;
    if (present == 0 || !feature->channel[URN_VALUES].urn)
        return;
    events[URN_VALUES] =
        observe_bins(&feature->channel[URN_VALUES], rule, bin, present, feature->waited);
    feature->waited = 0;
}

size_t drift_urn_feature_observe_numbers(struct urn_feature *feature, const struct urn_rule *rule,
                                         const double *x, size_t rows, double start,
                                         enum urn_event events[URN_PARTS])
{
    const struct channel *values = &feature->channel[URN_VALUES];
    uint16_t bin[URN_BLOCK_ROWS];
    bool missing[URN_BLOCK_ROWS];
    size_t present = 0;
    if (!takes_rows(feature, rows)) {
        drift_urn_feature_observe_number(feature, rule, x[0], start, events);
        return 1;
    }
    for (size_t r = 0; r < rows; r++) {
        missing[r] = isnan(x[r]);
        if (!missing[r] && values->urn)
            bin[present++] = (uint16_t)urn_bin_of(&values->bins, x[r]);
    }
    observe_block(feature, rule, bin, present, missing, rows, start, events);
    return rows;
}

size_t drift_urn_feature_observe_codes(struct urn_feature *feature, const struct urn_rule *rule,
                                       const uint32_t *code, size_t rows, double start,
                                       enum urn_event events[URN_PARTS])
{
    uint16_t bin[URN_BLOCK_ROWS];
    bool missing[URN_BLOCK_ROWS];
    size_t present = 0;
    if (!takes_rows(feature, rows)) {
        drift_urn_feature_observe_code(feature, rule, code[0], start, events);
        return 1;
    }
    for (size_t r = 0; r < rows; r++) {
        missing[r] = code[r] == URN_MISSING;
        if (!missing[r])
            bin[present++] = (uint16_t)bin_of_code(&feature->channel[URN_VALUES], code[r]);
    }
    observe_block(feature, rule, bin, present, missing, rows, start, events);
    return rows;
}

/* --- bins alone --- */

size_t drift_urn_feature_number_bins(const struct urn_feature *feature, const double *x,
                                     size_t rows, uint16_t bin[URN_BLOCK_ROWS])
{
    const struct channel *values = &feature->channel[URN_VALUES];
    size_t present = 0;
    for (size_t r = 0; values->urn && r < rows; r++)
        if (!isnan(x[r]))
            bin[present++] = (uint16_t)urn_bin_of(&values->bins, x[r]);
    return present;
}

size_t drift_urn_feature_code_bins(const struct urn_feature *feature, const uint32_t *code,
                                   size_t rows, uint16_t bin[URN_BLOCK_ROWS])
{
    const struct channel *values = &feature->channel[URN_VALUES];
    size_t present = 0;
    for (size_t r = 0; values->urn && r < rows; r++)
        if (code[r] != URN_MISSING)
            bin[present++] = (uint16_t)bin_of_code(values, code[r]);
    return present;
}

size_t drift_urn_feature_bin_count(const struct urn_feature *feature)
{
    const struct channel *values = &feature->channel[URN_VALUES];
    return values->urn ? values->bins.count : 0;
}

/* --- reading it --- */

struct urn_report drift_urn_feature_report(const struct urn_feature *feature, enum urn_part part)
{
    const struct channel *channel = &feature->channel[part];
    if (!channel->urn)
        return (struct urn_report){.discount = 1};
    return (struct urn_report){.watched = true,
                               .evidence = drift_urn_evidence(channel->urn),
                               .discount = channel->bets->discount,
                               .episode = channel->episode};
}

uint32_t drift_urn_feature_code(const struct urn_feature *feature, enum urn_part part, size_t bin)
{
    const struct channel *channel = &feature->channel[part];
    const size_t codes = bin == 0 && part == URN_VALUES ? 0 : channel->categories;
    for (size_t c = 0; c < codes; c++)
        if (channel->bin_of_code[c] == bin)
            return (uint32_t)c;
    return (uint32_t)channel->categories;
}

size_t drift_urn_feature_bytes(const struct urn_feature *feature)
{
    size_t bytes = sizeof(*feature);
    for (size_t i = 0; i < URN_PARTS; i++) {
        const struct channel *channel = &feature->channel[i];
        bytes += channel->bins.count * sizeof(double) * (channel->bins.edge ? 2 : 1);
        bytes += channel->bin_of_code ? (channel->categories + 1) * sizeof(uint16_t) : 0;
        bytes += channel->urn ? drift_urn_bytes(channel->urn) : 0;
    }
    return bytes;
}
