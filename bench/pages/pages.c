/* pages.c - how far a page can be trusted: from observations over the detector, scrapes and alert
 * rules to pages, with an injected clock. README.md says what is simulated.
 *
 * usage: bench-pages [--quick] [--seeds N] [--hours H] [--rate N] [--reference N]
 *                    [--windows N,N,...] [--feature N] [--significance P] | --export
 *
 * Exit status 1: a false page in more than 1 of 20 streams, or a shift of one deviation not found.
 */
#include "plan.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static bool windows_parse(char *text, struct plan *plan)
{
    plan->windows = 0;
    for (char *end = text; *text; text = end + (*end == ',')) {
        const unsigned long long window = strtoull(text, &end, 10);
        if (end == text || (*end && *end != ',') || window < MINIMUM_SAMPLE ||
            plan->windows == MAX_WINDOWS)
            return false;
        plan->window[plan->windows++] = window;
    }
    return plan->windows > 0;
}

static bool plan_valid(const struct plan *plan)
{
    return plan->seeds >= 1 && plan->seeds <= MAX_SEEDS && plan->hours > 0 &&
           plan->hours <= 10000 && plan->rate >= 1 && plan->rate <= 10000 &&
           plan->reference_rows >= 100 && plan->reference_rows <= 1000000 &&
           plan->feature < TRAFFIC_NUMERIC && plan->significance > 0 && plan->significance < 1;
}

static const struct option options[] = {
    {"quick", no_argument, NULL, 'q'},
    {"seeds", required_argument, NULL, 's'},
    {"hours", required_argument, NULL, 'h'},
    {"rate", required_argument, NULL, 'r'},
    {"windows", required_argument, NULL, 'w'},
    {"reference", required_argument, NULL, 'n'},
    {"significance", required_argument, NULL, 'p'},
    {"feature", required_argument, NULL, 'f'},
    {"export", no_argument, NULL, 'e'},
    {NULL, 0, NULL, 0},
};

static bool plan_option(struct plan *plan, int option)
{
    switch (option) {
    case 'q':
        plan->quick = true;
        plan->seeds = 3;
        plan->hours = 1;
        plan->windows = 2;
        return true;
    case 's':
        plan->seeds = (unsigned)strtoul(optarg, NULL, 10);
        return true;
    case 'h':
        plan->hours = strtod(optarg, NULL);
        return true;
    case 'r':
        plan->rate = (unsigned)strtoul(optarg, NULL, 10);
        return true;
    case 'n':
        plan->reference_rows = strtoul(optarg, NULL, 10);
        return true;
    case 'p':
        plan->significance = strtod(optarg, NULL);
        return true;
    case 'f':
        plan->feature = atoi(optarg);
        return true;
    case 'w':
        return windows_parse(optarg, plan);
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static struct results results;
    struct plan plan = {
        .seeds = 20,
        .hours = 24,
        .rate = 1,
        .significance = DEFAULT_SIGNIFICANCE,
        .reference_rows = 5000,
        .window = {200, 1000, 5000},
        .windows = 3,
        .feature = -1,
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'e') {
            export_streams();
            return 0;
        }
        if (!plan_option(&plan, option))
            return 2;
    }
    if (optind < argc || !plan_valid(&plan)) {
        fputs("bench-pages: a value is out of range; the head of pages.c has the usage\n", stderr);
        return 2;
    }
    plan_run(&plan, &results);
    print_settings(&plan);
    print_requirement(&plan, &results);
    if (!plan.quick) {
        print_choices(&plan, &results);
        print_correlated(&plan, &results);
    }
    const bool met = requirement_met(&plan, &results);
    printf("\n%s\n", met ? "The pages can be trusted: at most 1 of 20 streams with a false page, "
                           "every shift of one deviation found."
                         : "FAILED: a false page in more than 1 of 20 streams, or a shift of one "
                           "deviation not found.");
    return met ? 0 : 1;
}
