/* urn.c - what a row costs, what a feature weighs, and how quiet and how quick the rule is.
 *
 * usage: bench-urn [STREAMS]     default 300: changed streams per line; the null has as many times
 *                                ten, of 20 000 rows
 *
 * The rule is the shipped one: urn_feature.h with its defaults and a budget of 4e6 rows for each
 * urn. */
#include "random_stream.h"
#include "stats/urn_feature.h"

#include <stdbool.h>

#define REFERENCE_ROWS 10000
#define BEFORE         10000
#define AFTER          10000
#define FEATURES       50
#define COST_VALUES    4096
#define COST_ROWS      10000
#define COST_ROUNDS    5
#define CATEGORIES     1000

static const struct urn_rule rule = {.budget = 4e6,
                                     .materiality = URN_DEFAULT_MATERIALITY,
                                     .confirmation_rows = URN_DEFAULT_CONFIRMATION_ROWS,
                                     .resolve_rows = URN_DEFAULT_RESOLVE_ROWS,
                                     .adopt_rows = 0};

struct watched {
    struct urn_bets_pool pool;
    struct urn_feature *feature;
};

static void die(const char *what)
{
    fprintf(stderr, "bench-urn: %s\n", what);
    exit(1);
}

static void watch(struct watched *watched, const struct urn_feature_spec *spec)
{
    watched->pool = (struct urn_bets_pool){0};
    if (drift_urn_feature_create(spec, &watched->pool, &watched->feature) < 0)
        die("no feature");
}

static void watched_finish(struct watched *watched)
{
    drift_urn_feature_destroy(watched->feature);
    drift_urn_bets_pool_finish(&watched->pool);
}

/* --- streams --- */

enum shape { NORMAL, POISSON, BINARY, TWELVE, THOUSAND, SHAPES };
static const char *const shape_name[SHAPES] = {"normal", "Poisson(2)", "0/1", "12 categories",
                                               "1000 categories"};

static uint32_t ranked(uint64_t *seed, const double *below, uint32_t categories)
{
    const double u = random_unit(seed) * below[categories - 1];
    uint32_t low = 0, high = categories - 1;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (below[middle] <= u)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static double poisson(uint64_t *seed)
{
    int count = -1;
    for (double product = 1; product > exp(-2.0); product *= random_unit(seed))
        count++;
    return count;
}

static double below[CATEGORIES]; /* sums of 1 / rank */

static bool is_numeric(enum shape shape)
{
    return shape == NORMAL || shape == POISSON;
}

static double draw(enum shape shape, uint64_t *seed)
{
    switch (shape) {
    case NORMAL:
        return random_normal(seed);
    case POISSON:
        return poisson(seed);
    case BINARY:
        return random_unit(seed) < 0.3;
    case TWELVE:
        return ranked(seed, below, 12);
    case THOUSAND:
    case SHAPES:
        break;
    }
    return ranked(seed, below, CATEGORIES);
}

static void watch_shape(struct watched *watched, enum shape shape, uint64_t *seed)
{
    static double numbers[REFERENCE_ROWS];
    static uint32_t codes[REFERENCE_ROWS];
    for (size_t i = 0; i < REFERENCE_ROWS; i++) {
        numbers[i] = draw(shape, seed);
        codes[i] = is_numeric(shape) ? 0 : (uint32_t)numbers[i];
    }
    const struct urn_feature_spec spec = {.rows = REFERENCE_ROWS,
                                          .numbers = is_numeric(shape) ? numbers : NULL,
                                          .codes = codes,
                                          .categories = CATEGORIES,
                                          .ordered = true,
                                          .start = 1,
                                          .rule = rule};
    watch(watched, &spec);
}

static bool observe(struct watched *watched, enum shape shape, double x)
{
    enum urn_event events[URN_PARTS];
    if (is_numeric(shape))
        drift_urn_feature_observe_number(watched->feature, &rule, x, 1, events);
    else
        drift_urn_feature_observe_code(watched->feature, &rule, (uint32_t)x, 1, events);
    return events[URN_VALUES] == URN_PAGE || events[URN_MISSINGNESS] == URN_PAGE;
}

/* --- cost --- */

/* Of this process: other programs do not count. */
static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* As in a model of FEATURES features, row by row. */
static double value_ns(const struct urn_bins *bins, struct urn *const *urns, const double *x,
                       bool numeric)
{
    double best = 1e9, sum = 0;
    for (int round = 0; round < COST_ROUNDS; round++) {
        const double begin = seconds();
        for (size_t i = 0; i < COST_ROWS; i++)
            for (size_t f = 0; f < FEATURES; f++) {
                const double value = x[(i * 7 + f * 131) % COST_VALUES];
                const size_t bin = numeric ? urn_bin_of(bins, value) : (size_t)value;
                sum += drift_urn_observe(urns[f], bin, 1);
            }
        const double took = (seconds() - begin) / (COST_ROWS * FEATURES) * 1e9;
        best = took < best ? took : best;
    }
    if (!(sum > 0))
        die("no evidence");
    return best;
}

static void sample_bins(struct urn_bins *bins, enum shape shape, uint64_t *seed)
{
    static double rows[REFERENCE_ROWS];
    uint64_t count[CATEGORIES] = {0};
    size_t categories = 0;
    for (size_t i = 0; i < REFERENCE_ROWS; i++) {
        rows[i] = draw(shape, seed);
        if (!is_numeric(shape))
            count[(size_t)rows[i]]++;
    }
    for (size_t c = 0; c < CATEGORIES; c++)
        if (count[c] > 0)
            count[categories++] = count[c];
    qsort(rows, REFERENCE_ROWS, sizeof(*rows), compare_values);
    const int rc = is_numeric(shape) ? drift_urn_bins_numeric(bins, rows, REFERENCE_ROWS)
                                     : drift_urn_bins_categories(bins, count, categories);
    if (rc < 0)
        die("no bins");
}

static void print_cost(enum shape shape, double discount)
{
    static double x[COST_VALUES];
    struct urn_bins bins;
    struct urn_bets *bets;
    struct urn *urns[FEATURES];
    uint64_t seed = 1;
    sample_bins(&bins, shape, &seed);
    if (drift_urn_bets_create(&bins, discount, &bets) < 0)
        die("no bets");
    for (size_t f = 0; f < FEATURES; f++)
        if (drift_urn_create(&bins, bets, &urns[f]) < 0)
            die("no urn");
    for (size_t i = 0; i < COST_VALUES; i++) {
        const double drawn = draw(shape, &seed);
        x[i] = is_numeric(shape) ? drawn : drawn + 1 < (double)bins.count ? drawn + 1 : 0;
    }
    const double ns = value_ns(&bins, urns, x, is_numeric(shape));
    const size_t edges = bins.edge ? bins.count - 1 : 0;
    printf("%-16s %8g %5zu %5zu %8.1f %9zu %9zu\n", shape_name[shape], discount, bins.count,
           bets->bets, ns, drift_urn_bytes(urns[0]) + edges * sizeof(double),
           drift_urn_bets_bytes(bets));
    for (size_t f = 0; f < FEATURES; f++)
        drift_urn_destroy(urns[f]);
    drift_urn_bets_destroy(bets);
    drift_urn_bins_finish(&bins);
}

/* --- false alarms and delays --- */

static void print_quiet(enum shape shape, size_t streams)
{
    size_t pages = 0, discounted = 0, demoted = 0;
    for (size_t s = 0; s < streams; s++) {
        uint64_t seed = 1000003 * (s + 1) + 17 * shape;
        struct watched watched;
        watch_shape(&watched, shape, &seed);
        const struct urn_report report = drift_urn_feature_report(watched.feature, URN_VALUES);
        discounted += report.discount > 1;
        demoted += report.episode.notices_only;
        for (size_t i = 0; i < BEFORE + AFTER; i++)
            pages += observe(&watched, shape, draw(shape, &seed));
        watched_finish(&watched);
    }
    printf("%-16s %10zu %8zu %12.4f %12zu %10zu\n", shape_name[shape], streams, pages,
           (double)pages / (double)streams, discounted, demoted);
}

struct change {
    const char *name;
    enum shape shape;
    double shift, deviation; /* numeric */
    double share;            /* categories: of the rows that turn into `category` */
    double category;
};

static const struct change changes[] = {
    {"shift 0.5", NORMAL, 0.5, 1, 0, 0},
    {"shift 0.25", NORMAL, 0.25, 1, 0, 0},
    {"variance x1.5", NORMAL, 0, 1.224744871391589, 0, 0},
    {"shift 1", NORMAL, 1, 1, 0, 0},
    {"0/1: +10 points", BINARY, 0, 1, 1.0 / 7, 1},
    {"12: 10 % to the 2nd", TWELVE, 0, 1, 0.1, 1},
    {"12: 2 % new", TWELVE, 0, 1, 0.02, 1001},
    {"1000: 5 % to the 2nd", THOUSAND, 0, 1, 0.05, 1},
    {"1000: 5 % to the 35th", THOUSAND, 0, 1, 0.05, 34},
    {"1000: 5 % to the 60th", THOUSAND, 0, 1, 0.05, 59},
    {"1000: 5 % to the 900th", THOUSAND, 0, 1, 0.05, 899},
    {"1000: 1 % to the 300th", THOUSAND, 0, 1, 0.01, 299},
    {"1000: 5 % new", THOUSAND, 0, 1, 0.05, 1001},
};

static double changed(const struct change *change, uint64_t *seed)
{
    if (change->shape == NORMAL)
        return random_normal(seed) * change->deviation + change->shift;
    const double drawn = draw(change->shape, seed);
    return random_unit(seed) < change->share ? change->category : drawn;
}

/* Rows until the page, 0 without one. Streams that paged before the change count as they are. */
static double delay_of(const struct change *change, uint64_t seed, size_t *early)
{
    struct watched watched;
    double delay = 0;
    watch_shape(&watched, change->shape, &seed);
    for (size_t i = 0; i < BEFORE; i++)
        *early += observe(&watched, change->shape, draw(change->shape, &seed));
    for (size_t i = 0; i < AFTER && delay == 0; i++)
        if (observe(&watched, change->shape, changed(change, &seed)))
            delay = (double)(i + 1);
    watched_finish(&watched);
    return delay;
}

static void print_delay(const struct change *change, size_t streams)
{
    double *delay = calloc(streams, sizeof(*delay));
    size_t found = 0, early = 0;
    if (!delay)
        die("no memory");
    for (size_t s = 0; s < streams; s++) {
        const double rows = delay_of(change, 7919 * (s + 1), &early);
        if (rows > 0)
            delay[found++] = rows;
    }
    qsort(delay, found, sizeof(*delay), compare_values);
    const size_t middle = streams / 2, most = streams * 9 / 10;
    printf("%-24s %8zu %8.0f %8.0f %8zu %8zu\n", change->name, streams,
           middle < found ? delay[middle] : NAN, most < found ? delay[most] : NAN, streams - found,
           early);
    free(delay);
}

int main(int argc, char **argv)
{
    const size_t streams = argc > 1 ? strtoull(argv[1], NULL, 10) : 300;
    for (size_t i = 0; i < CATEGORIES; i++)
        below[i] = (i > 0 ? below[i - 1] : 0) + 1 / (double)(i + 1);
    puts("feature          discount  bins  bets ns/value bytes/urn shared");
    for (enum shape shape = NORMAL; shape < SHAPES; shape++) {
        print_cost(shape, 1);
        print_cost(shape, 3);
    }
    puts("\nno change           streams    pages per 20 000   discounted  notices only");
    for (enum shape shape = NORMAL; shape < SHAPES; shape++)
        print_quiet(shape, streams * (shape == NORMAL ? 10 : 2));
    puts("\nchange                    streams   median     90 %   missed    early");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        print_delay(&changes[i], streams);
    return 0;
}
