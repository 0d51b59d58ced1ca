/* tables.c - the results as tables; plan.h has the contract. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>

enum { RULE_DEFAULT = THRESHOLD_030, RULE_ORIGINAL_KS = THRESHOLD_COUNT, RULE_ORIGINAL_PSI, RULES };

static const struct pages *rule_pages(const struct outcome *outcome, size_t rule)
{
    return rule < THRESHOLD_COUNT ? &outcome->rule[rule]
                                  : &outcome->original[rule - THRESHOLD_COUNT];
}

struct quietness {
    unsigned streams, pages; /* streams with a page; pages of all streams */
};

static struct quietness quietness(const struct outcome *outcomes, unsigned seeds, size_t rule)
{
    struct quietness result = {0};
    for (unsigned seed = 0; seed < seeds; seed++) {
        const unsigned count = rule_pages(&outcomes[seed], rule)->count;
        result.pages += count;
        result.streams += count > 0;
    }
    return result;
}

struct delays {
    unsigned found;
    int64_t median, slowest; /* of all streams; -1: not found */
};

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Not found sorts last: -1 is the largest unsigned number. */
static struct delays delays(const struct outcome *outcomes, unsigned seeds, size_t rule)
{
    uint64_t sorted[MAX_SEEDS];
    struct delays result = {0};
    for (unsigned seed = 0; seed < seeds; seed++) {
        sorted[seed] = (uint64_t)rule_pages(&outcomes[seed], rule)->found_after;
        result.found += rule_pages(&outcomes[seed], rule)->found_after >= 0;
    }
    qsort(sorted, seeds, sizeof(*sorted), compare);
    const uint64_t low = sorted[(seeds - 1) / 2], high = sorted[seeds / 2];
    result.median = (int64_t)high < 0 ? -1 : (int64_t)((low + high) / 2);
    result.slowest = (int64_t)sorted[seeds - 1];
    return result;
}

void print_settings(const struct plan *plan)
{
    printf("%u streams of %g hours, %u observation(s) a second, %d features (%d numeric, %d "
           "categorical), reference of %zu rows,\nscraped and evaluated every %d s, significance "
           "%g, minimum sample %d, critical threshold %g.\n",
           plan->seeds, plan->hours, plan->rate, TRAFFIC_FEATURES, TRAFFIC_NUMERIC,
           TRAFFIC_CATEGORICAL, plan->reference_rows, SCRAPE_MS / 1000, plan->significance,
           MINIMUM_SAMPLE, CRITICAL_THRESHOLD);
}

static void print_delay(int64_t rows)
{
    if (rows < 0)
        printf(" - |");
    else
        printf(" %lld |", (long long)rows);
}

static void print_requirement_row(const struct plan *plan, const struct results *results, size_t w,
                                  size_t rule)
{
    static const char *const names[RULES] = {
        [RULE_DEFAULT] = "this system: score > 0.3, evidence, for 1m",
        [RULE_ORIGINAL_KS] = "the original: KS D > 0.3 alone",
        [RULE_ORIGINAL_PSI] = "the original: PSI > 0.3 alone",
    };
    const struct quietness quiet = quietness(results->quiet[w], plan->seeds, rule);
    const struct delays delay = delays(results->changed[w][CHANGE_IS_ONE], plan->seeds, rule);
    printf("| %llu | %s | %u of %u | %.4g | %u of %u |", (unsigned long long)plan->window[w],
           names[rule], quiet.streams, plan->seeds, (double)quiet.pages / plan->seeds, delay.found,
           plan->seeds);
    print_delay(delay.median);
    print_delay(delay.slowest);
    putchar('\n');
}

void print_requirement(const struct plan *plan, const struct results *results)
{
    static const size_t rules[] = {RULE_DEFAULT, RULE_ORIGINAL_KS, RULE_ORIGINAL_PSI};
    printf("\n### Without drift, and with a shift of one deviation in one feature\n\n"
           "| window | rule | streams with a false page in %g h | false pages per stream | shift "
           "found in | median delay, observations | slowest |\n|-|-|-|-|-|-|-|\n",
           plan->hours);
    for (size_t w = 0; w < plan->windows; w++)
        for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
            print_requirement_row(plan, results, w, rules[i]);
}

static void print_choice_row(const struct plan *plan, const struct results *results, size_t w,
                             size_t t)
{
    const struct quietness quiet = quietness(results->quiet[w], plan->seeds, t);
    printf("| %llu | %g | %u of %u |", (unsigned long long)plan->window[w],
           simulation_thresholds[t], quiet.streams, plan->seeds);
    for (size_t change = 0; change < CHANGES; change++) {
        const struct delays delay = delays(results->changed[w][change], plan->seeds, t);
        if (delay.found == plan->seeds)
            printf(" %lld |", (long long)delay.median);
        else if (delay.found == 0)
            printf(" never |");
        else if (delay.median < 0)
            printf(" - (%u of %u) |", delay.found, plan->seeds);
        else
            printf(" %lld (%u of %u) |", (long long)delay.median, delay.found, plan->seeds);
    }
    putchar('\n');
}

void print_choices(const struct plan *plan, const struct results *results)
{
    printf(
        "\n### Thresholds and windows\n\nMedian observations from the change to the page, within "
        "%u; in brackets how many of %u streams found it, where not all did.\n\n"
        "| window | threshold | streams with a false page |",
        SEARCH_ROWS, plan->seeds);
    for (size_t change = 0; change < CHANGES; change++)
        printf(" %s |", plan_changes[change].name);
    printf("\n|-|-|-|-|-|-|-|-|\n");
    for (size_t w = 0; w < plan->windows; w++)
        for (size_t t = 0; t < THRESHOLD_COUNT; t++)
            print_choice_row(plan, results, w, t);
}

static void print_correlated_row(const struct plan *plan, const struct results *results,
                                 size_t correlation, size_t minimum, size_t w)
{
    const struct outcome *outcomes = results->correlated[correlation][minimum][w];
    const unsigned seeds = results->correlated_seeds;
    printf("| %g | %llu | %llu |", plan_correlations[correlation],
           (unsigned long long)plan->window[w], (unsigned long long)plan_minimum(plan, minimum, w));
    for (size_t rule = 0; rule < RULES; rule++) {
        const struct quietness quiet = quietness(outcomes, seeds, rule);
        printf(" %u, %.3g |", quiet.streams, (double)quiet.pages / seeds);
    }
    putchar('\n');
}

void print_correlated(const struct plan *plan, const struct results *results)
{
    printf("\n### Correlated traffic without drift\n\nStreams (of %u, %g hours each) with a false "
           "page, and false pages per stream.\n\n| correlation with the row before | window | "
           "minimum sample |",
           results->correlated_seeds, results->correlated_hours);
    for (size_t t = 0; t < THRESHOLD_COUNT; t++)
        printf(" threshold %g |", simulation_thresholds[t]);
    printf(" KS D > 0.3 alone | PSI > 0.3 alone |\n|-|-|-|-|-|-|-|-|-|-|\n");
    for (size_t correlation = 0; correlation < CORRELATIONS; correlation++)
        for (size_t w = 0; w < plan->windows; w++)
            for (size_t minimum = 0; minimum < MINIMA; minimum++)
                print_correlated_row(plan, results, correlation, minimum, w);
}

bool requirement_met(const struct plan *plan, const struct results *results)
{
    bool met = true;
    for (size_t w = 0; w < plan->windows; w++) {
        const struct quietness quiet = quietness(results->quiet[w], plan->seeds, RULE_DEFAULT);
        const struct delays delay =
            delays(results->changed[w][CHANGE_IS_ONE], plan->seeds, RULE_DEFAULT);
        met &= quiet.streams <= plan->seeds / 20 && delay.found == plan->seeds;
    }
    return met;
}
