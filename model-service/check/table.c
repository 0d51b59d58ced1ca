/* table.c - the answer of a check for people: a table at most 100 columns wide. */
#include "check/check.h"

#include "text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEATURE_WIDTH 26 /* width of the name column; longer names are cut */
#define LINE_WIDTH    98
#define SCORE_WIDTH   10
#define BAR_WIDTH     8 /* without the mark of the threshold */
/* the type, the score, the p-value and the longest verdict, with the spaces after each column */
#define FIXED_WIDTH (2 + 11 + 2 + 2 + SCORE_WIDTH + 2 + 9 + 2 + 15)
#define TALL_TABLE  20 /* a table with more rows than this shows the verdict above it, too */
#define TABLE_MOVES 3  /* categories named per column */

/* --- words --- */

enum word {
    WORD_CRITICAL,
    WORD_DRIFT,
    WORD_SIGNIFICANT,
    WORD_UNTESTED, /* the score is above the threshold, and the method has no p-value */
    WORD_UNPROVEN, /* the score is above the threshold, but it may be chance */
    WORD_NO_DRIFT,
    WORD_NO_SCORE,
};

static const struct {
    const char *text, *colour;
} words[] = {
    [WORD_CRITICAL] = {"critical drift", "\033[1;31m"}, [WORD_DRIFT] = {"drift", "\033[31m"},
    [WORD_SIGNIFICANT] = {"significant", "\033[33m"},   [WORD_UNTESTED] = {"large, untested", ""},
    [WORD_UNPROVEN] = {"large, unproven", ""},          [WORD_NO_DRIFT] = {"no drift", "\033[2m"},
    [WORD_NO_SCORE] = {"no score", "\033[2m"},
};

static enum word verdict(const struct detector_method_report *method, double critical)
{
    if (method->drifted)
        return method->score > critical ? WORD_CRITICAL : WORD_DRIFT;
    if (method->significant)
        return WORD_SIGNIFICANT;
    if (isnan(method->score))
        return WORD_NO_SCORE;
    if (method->score > method->threshold)
        return isnan(method->p_value) ? WORD_UNTESTED : WORD_UNPROVEN;
    return WORD_NO_DRIFT;
}

/* --- cells --- */

static int width_of(const char *text)
{
    return (int)utf8_characters(text);
}

struct cell {
    char text[EXCERPT_BYTES + 8];
};

static struct cell short_cell(const char *name, int most)
{
    struct cell cell;
    snprintf(cell.text, sizeof(cell.text), "%s", excerpt(name).text);
    if (width_of(cell.text) <= most)
        return cell;
    size_t end = 0;
    for (int width = 0; width < most - 3; width++)
        do
            end++;
        while (utf8_is_continuation(cell.text[end]));
    strcpy(cell.text + end, "...");
    return cell;
}

static struct cell name_cell(const char *name)
{
    return short_cell(name, FEATURE_WIDTH);
}

static struct cell score_cell(double score)
{
    struct cell cell = {"-"};
    const int digits = fabs(score) < 1000 ? 4 : 1;
    if (!isnan(score))
        snprintf(cell.text, sizeof(cell.text), fabs(score) < 1e7 ? "%.*f" : "%.*e", digits, score);
    return cell;
}

static struct cell p_cell(double p)
{
    struct cell cell = {"-"};
    if (p >= 0 && p < 1e-300)
        strcpy(cell.text, "< 1e-300");
    else if (!isnan(p))
        snprintf(cell.text, sizeof(cell.text), p < 0.0001 ? "%.1e" : "%.4f", p);
    return cell;
}

static void print_padded(FILE *out, const char *text, int width)
{
    fprintf(out, "%s%*s  ", text, width > width_of(text) ? width - width_of(text) : 0, "");
}

/* The score against its threshold, which is marked in the middle; full at twice the threshold. */
static struct cell bar_cell(double strength)
{
    struct cell cell = {"    |    "};
    const double filled = strength * (BAR_WIDTH / 2);
    if (strength < 0)
        return (struct cell){""};
    for (int i = 0; i < BAR_WIDTH / 2; i++) {
        cell.text[i] = filled >= i + 0.5 ? '#' : '.';
        cell.text[BAR_WIDTH / 2 + 1 + i] = filled >= BAR_WIDTH / 2 + i + 0.5 ? '#' : '.';
    }
    return cell;
}

/* Widths of the columns that depend on what stands in them. */
struct widths {
    int feature, method;
    bool bars; /* a line per feature; lines per method have no room for them */
};

static void print_result(FILE *out, const struct check *check, const struct check_result *result,
                         const struct widths *widths, bool colour)
{
    const struct detector_method_report *method = &result->feature->method[result->method];
    const enum word word = verdict(method, check->report.threshold[SEVERITY_CRITICAL]);
    const bool coloured = colour && *words[word].colour;
    print_padded(out, short_cell(result->feature->name, widths->feature).text, widths->feature);
    print_padded(out, result->feature->type == FEATURE_NUMERIC ? "numeric" : "categorical", 11);
    print_padded(out, drift_method_name(result->method), widths->method);
    fprintf(out, "%*s  %9s  ", SCORE_WIDTH, score_cell(method->score).text,
            p_cell(method->p_value).text);
    fputs(coloured ? words[word].colour : "", out);
    if (widths->bars)
        print_padded(out, bar_cell(result->strength).text, BAR_WIDTH + 1);
    fprintf(out, "%s%s\n", words[word].text, coloured ? "\033[0m" : "");
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* Names are cut so that the longest verdict still fits into the line. */
static struct widths measure(const struct check *check, const struct check_result *results,
                             size_t count, bool verbose)
{
    struct widths widths = {(int)strlen("feature"), (int)strlen("method"), !verbose};
    for (size_t i = 0; i < count; i++)
        if (verbose || check_stands_for_feature(results, count, i))
            widths.method = larger(widths.method, width_of(drift_method_name(results[i].method)));
    for (size_t f = 0; f < check->report.feature_count; f++)
        widths.feature =
            larger(widths.feature, width_of(name_cell(check->report.features[f].name).text));
    const int room = LINE_WIDTH - FIXED_WIDTH - widths.method - (verbose ? 0 : BAR_WIDTH + 3);
    widths.feature = widths.feature < room ? widths.feature : room;
    return widths;
}

static void print_results(FILE *out, const struct check *check, const struct check_result *results,
                          size_t count, bool colour, bool verbose)
{
    const struct widths widths = measure(check, results, count, verbose);
    fputs(colour ? "\033[1m" : "", out);
    print_padded(out, "feature", widths.feature);
    print_padded(out, "type", 11);
    print_padded(out, "method", widths.method);
    fprintf(out, "%*s  %9s  ", SCORE_WIDTH, "score", "p-value");
    if (widths.bars)
        print_padded(out, "threshold", BAR_WIDTH + 1);
    fprintf(out, "verdict%s\n", colour ? "\033[0m" : "");
    for (size_t i = 0; i < count; i++)
        if (verbose || check_stands_for_feature(results, count, i))
            print_result(out, check, &results[i], &widths, colour);
}

/* --- what stands around the table --- */

/* Items after a heading, separated by commas, wrapped at LINE_WIDTH. */
struct list {
    FILE *out;
    const char *heading;
    int column; /* 0: nothing has been printed yet */
};

static void list_add(struct list *list, const char *item)
{
    const int width = width_of(item);
    if (list->column == 0) {
        fprintf(list->out, "%s: ", list->heading);
        list->column = width_of(list->heading) + 2;
    } else if (list->column + 2 + width > LINE_WIDTH) {
        fputs(",\n    ", list->out);
        list->column = 4;
    } else {
        fputs(", ", list->out);
        list->column += 2;
    }
    fputs(item, list->out);
    list->column += width;
}

static void list_end(const struct list *list)
{
    if (list->column > 0)
        fputc('\n', list->out);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static void print_missing(FILE *out, const struct detector_report *report)
{
    struct list list = {out, "Share of missing values changed", 0};
    for (size_t f = 0; f < report->feature_count; f++) {
        const struct detector_feature_report *feature = &report->features[f];
        char item[CHECK_MESSAGE_BYTES];
        if (!feature->missing_significant)
            continue;
        snprintf(item, sizeof(item), "%s %.1f %% -> %.1f %%", name_cell(feature->name).text,
                 percent(feature->reference_missing, feature->reference_rows),
                 percent(feature->window_missing, feature->window_rows));
        list_add(&list, item);
    }
    list_end(&list);
}

static void print_unseen(FILE *out, const struct detector_report *report)
{
    struct list list = {out, "Rows with categories the reference does not have", 0};
    for (size_t f = 0; f < report->feature_count; f++) {
        const struct detector_feature_report *feature = &report->features[f];
        char item[CHECK_MESSAGE_BYTES];
        if (feature->window_unseen == 0)
            continue;
        snprintf(item, sizeof(item), "%s %llu", name_cell(feature->name).text,
                 (unsigned long long)feature->window_unseen);
        list_add(&list, item);
    }
    list_end(&list);
}

/* "5 % 1.2 -> 1.9, ...": every other one, for the width of the line. */
static void print_quantiles(FILE *out, const struct detector_details *details)
{
    for (size_t i = 0; i < DETAILS_QUANTILES; i += 2)
        fprintf(out, "%s%g %% %.4g -> %.4g", i > 0 ? ", " : "", 100 * details_probability[i],
                details->reference_quantile[i], details->current_quantile[i]);
}

static void print_moves(FILE *out, const struct detector_details *details)
{
    for (size_t i = 0; i < details->moves && i < TABLE_MOVES; i++)
        fprintf(out, "%s%s %.1f %% -> %.1f %%", i > 0 ? ", " : "",
                name_cell(details->move[i].category).text, 100 * details->move[i].reference_share,
                100 * details->move[i].current_share);
}

/* How a drifted column has changed: quantiles of numbers, shares of categories. */
static void print_details(FILE *out, const struct check *check)
{
    for (size_t f = 0; f < check->report.feature_count; f++) {
        const struct detector_feature_report *feature = &check->report.features[f];
        struct detector_details details;
        if (!feature->drifted)
            continue;
        detector_details(check->detector, f, &details);
        fprintf(out, "%s: ", name_cell(feature->name).text);
        if (feature->type == FEATURE_NUMERIC)
            print_quantiles(out, &details);
        else
            print_moves(out, &details);
        fputc('\n', out);
    }
}

static void print_side(FILE *out, const struct check_columns *columns, const char *heading,
                       enum check_side side)
{
    struct list list = {out, heading, 0};
    for (size_t i = 0; i < columns->skipped_count; i++)
        if (columns->skipped[i].side == side)
            list_add(&list, name_cell(columns->skipped[i].name).text);
    list_end(&list);
}

/* Columns that were skipped for the same reason are listed together. */
static void print_skipped(FILE *out, const struct check_columns *columns)
{
    for (size_t i = 0; i < columns->skipped_count; i++) {
        const char *reason = columns->skipped[i].reason;
        size_t first = 0;
        if (columns->skipped[i].side == CHECK_ONLY_REFERENCE ||
            columns->skipped[i].side == CHECK_ONLY_CURRENT)
            continue;
        while (strcmp(columns->skipped[first].reason, reason) != 0)
            first++;
        if (first < i)
            continue;
        char heading[CHECK_REASON_BYTES + 16];
        snprintf(heading, sizeof(heading), "Skipped (%s)", reason);
        struct list list = {out, heading, 0};
        for (size_t j = i; j < columns->skipped_count; j++)
            if (strcmp(columns->skipped[j].reason, reason) == 0)
                list_add(&list, name_cell(columns->skipped[j].name).text);
        list_end(&list);
    }
}

static void print_notes(FILE *out, const struct check *check)
{
    char note[CHECK_NOTE_BYTES];
    for (size_t i = 0; i < check->columns.count; i++)
        if (check_note(check, i, note))
            fprintf(out, "Note: %s\n", note);
}

static void print_file(FILE *out, const char *role, const char *path, uint64_t rows, uint64_t bad,
                       const struct csv_format *format)
{
    fprintf(out, "%-10s %s, %llu row%s", role, path, (unsigned long long)rows,
            rows == 1 ? "" : "s");
    if (bad > 0)
        fprintf(out, " and %llu bad one%s left out", (unsigned long long)bad, bad == 1 ? "" : "s");
    if (format->delimiter != ',' || format->decimal == ',')
        fprintf(out, ", separated by %s", csv_format_words(format));
    fputc('\n', out);
}

/* "; 1 column missing, 2 new", if the files differ in their columns. */
static void print_columns(FILE *out, const struct check_columns *columns)
{
    static const struct {
        enum check_side side;
        const char *word;
    } kinds[] = {{CHECK_ONLY_REFERENCE, "missing"},
                 {CHECK_ONLY_CURRENT, "new"},
                 {CHECK_DOUBLED, "more than once"}};
    bool first = true;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const size_t count = check_columns_only(columns, kinds[i].side);
        if (count == 0)
            continue;
        fprintf(out, "%s %zu %s%s", first ? ";" : ",", count,
                !first       ? ""
                : count == 1 ? "column "
                             : "columns ",
                kinds[i].word);
        first = false;
    }
    fputc('\n', out);
}

static void print_drifted(FILE *out, const struct check *check, const struct check_result *results,
                          size_t count)
{
    const size_t features = check->report.feature_count;
    char heading[80];
    size_t drifted = 0;
    for (size_t f = 0; f < features; f++)
        drifted += check->report.features[f].drifted;
    snprintf(heading, sizeof(heading), "Drift in %zu of %zu feature%s", drifted, features,
             features == 1 ? "" : "s");
    struct list list = {out, heading, 0};
    for (size_t i = 0; i < count; i++)
        if (check_names_drift(results, i))
            list_add(&list, name_cell(results[i].feature->name).text);
    if (drifted == 0)
        fprintf(out, "No drift in %zu feature%s", features, features == 1 ? "" : "s");
    print_columns(out, &check->columns);
}

static void print_summary(FILE *out, const struct check *check, const struct check_result *results,
                          size_t count)
{
    const struct detector_report *report = &check->report;
    if (report->sufficient) {
        fprintf(out,
                "Drift is a score above %g (critical: %g) that chance does not explain (level %g, "
                "Holm).\n",
                report->threshold[SEVERITY_WARNING], report->threshold[SEVERITY_CRITICAL],
                report->significance);
        print_drifted(out, check, results, count);
        return;
    }
    fprintf(out, "Insufficient data: %llu row%s, at least %llu are needed\n",
            (unsigned long long)report->window_rows, report->window_rows == 1 ? "" : "s",
            (unsigned long long)report->minimum_sample);
}

int check_print_table(const struct check *check, FILE *out, bool colour, bool verbose)
{
    const struct detector_report *report = &check->report;
    size_t count;
    struct check_result *results = check_results(check, &count);
    if (!results)
        return -ENOMEM;
    print_file(out, "reference", check->settings->reference, check->reference_rows,
               check->bad_reference.count, &check->reference_format);
    print_file(out, "current", check->settings->current, check->current_rows,
               check->bad_current.count, &check->current_format);
    if (report->window_rows < check->current_rows)
        fprintf(out, "%-10s the last %llu rows of the current file, as configured\n", "window",
                (unsigned long long)report->window_rows);
    if ((verbose ? count : report->feature_count) > TALL_TABLE && report->sufficient)
        print_drifted(out, check, results,
                      count); /* a long table may have scrolled the first one away */
    fputc('\n', out);
    print_results(out, check, results, count, colour, verbose);
    fputc('\n', out);
    if (verbose)
        print_details(out, check);
    print_missing(out, report);
    print_unseen(out, report);
    print_side(out, &check->columns, "Missing from the current file", CHECK_ONLY_REFERENCE);
    print_side(out, &check->columns, "New in the current file", CHECK_ONLY_CURRENT);
    print_skipped(out, &check->columns);
    print_notes(out, check);
    print_summary(out, check, results, count);
    free(results);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
