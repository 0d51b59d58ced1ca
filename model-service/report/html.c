/* html.c - the report as one HTML page: no script, nothing loaded, one style. */
#include "report/print.h"
#include "report/report.h"
#include "report/svg.h"
#include "report/words.h"

#include "text/timestamp.h"
#include "web/report_css.h"

#include <math.h>

/* Forbids whatever the escapes should miss. */
#define POLICY                                                                                     \
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "              \
    "form-action 'none'"

/* Of the verdict; part of the page's style. */
static const char *verdict_class(enum report_verdict verdict)
{
    static const char *const names[] = {
        [REPORT_CRITICAL] = "critical", [REPORT_DRIFT] = "warning", [REPORT_MOVED] = "moved",
        [REPORT_UNPROVEN] = "moved",    [REPORT_QUIET] = "good",    [REPORT_NO_SCORE] = "soft",
    };
    return names[verdict];
}

/* Isolated, so that a name of right-to-left text does not turn the sentence around. */
static void write_name(struct buffer *out, const char *name)
{
    buffer_append_text(out, "<bdi>");
    print_html(out, name);
    buffer_append_text(out, "</bdi>");
}

static void write_cell(struct buffer *out, double value)
{
    print(out, "<td>%s", isnan(value) ? "-" : number_words(value).text);
}

static struct number_text p_words(double p)
{
    struct number_text text = {"< 1e-300"};
    return p >= 0 && p < 1e-300 ? text : number_words(p);
}

/* --- a feature --- */

static void write_scores(struct buffer *out, const struct detector_feature_report *feature)
{
    buffer_append_text(out, "<div class=scroll role=region aria-label=Scores tabindex=0><table "
                            "class=scores><caption>Scores</caption><tr><th "
                            "scope=col>Method<th scope=col>Score<th scope=col>Threshold<th "
                            "scope=col>p-value<th scope=col>Verdict");
    for (enum drift_method m = 0; m < METHOD_COUNT; m++) {
        const struct detector_method_report *method = &feature->method[m];
        if (!method->applies)
            continue;
        print(out, "<tr><th scope=row>%s", drift_method_name(m));
        write_cell(out, method->score);
        write_cell(out, method->threshold);
        buffer_append_text(out, "<td>");
        if (isnan(method->p_value))
            buffer_append_text(out, "-");
        else
            print_html(out, p_words(method->p_value).text);
        print(out, "<td>%s",
              method->drifted          ? "drift"
              : method->significant    ? "evidence"
              : isnan(method->p_value) ? "-"
                                       : "no drift");
    }
    buffer_append_text(out, "</table></div>");
}

/* What the picture compares the current rows with, in a key. */
static const char *other_side(const struct feature_picture *picture)
{
    return picture->earlier ? "earlier" : "reference";
}

static void write_figure(struct buffer *out, const struct feature_picture *picture,
                         const char *caption)
{
    print(out,
          "<figure><figcaption>%s <span class=\"key ref\">%s</span> <span class=\"key "
          "cur\">current</span></figcaption>",
          caption, other_side(picture));
}

static void write_quantiles(struct buffer *out, const struct feature_picture *picture)
{
    const struct detector_details *details = &picture->details;
    write_figure(out, picture, "Quantiles");
    svg_quantiles(out, details);
    buffer_append_text(out, "<table><tr><th scope=col>Share below");
    for (size_t i = 0; i < DETAILS_QUANTILES; i++)
        print(out, "<th scope=col>%g %%", 100 * details_probability[i]);
    print(out, "<tr><th scope=row>%s", other_side(picture));
    for (size_t i = 0; i < DETAILS_QUANTILES; i++)
        write_cell(out, details->reference_quantile[i]);
    buffer_append_text(out, "<tr><th scope=row>current");
    for (size_t i = 0; i < DETAILS_QUANTILES; i++)
        write_cell(out, details->current_quantile[i]);
    buffer_append_text(out, "</table></figure>");
}

static void begin_share_table(struct buffer *out, const struct feature_picture *picture,
                              const char *caption, const char *what)
{
    write_figure(out, picture, caption);
    print(out,
          "<table class=shares><tr><th scope=col>%s<th scope=col>Shares<th scope=col>%s<th "
          "scope=col>Current<th scope=col>Adds to PSI",
          what, picture->earlier ? "Earlier" : "Reference");
}

static void write_shares(struct buffer *out, double reference, double current, double term,
                         double most)
{
    buffer_append_text(out, "<td>");
    svg_pair(out, reference, current, most);
    print(out, "<td>%s<td>%s", percent_words(reference).text, percent_words(current).text);
    write_cell(out, term);
}

static void write_bins(struct buffer *out, const struct feature_picture *picture)
{
    double most = 0;
    for (size_t b = 0; b < picture->bins; b++)
        most = fmax(most, fmax(picture->bin[b].reference, picture->bin[b].current));
    begin_share_table(out, picture, "Bins of the population stability index", "Values");
    for (size_t b = 0; b < picture->bins; b++) {
        const struct picture_bin *bin = &picture->bin[b];
        if (bin->reference <= 0 && bin->current <= 0)
            continue;
        buffer_append_text(out, "<tr><th scope=row>");
        words_bin(out, &bin->holds);
        write_shares(out, bin->reference, bin->current, bin->term, most);
    }
    buffer_append_text(out, "</table></figure>");
}

static void write_category(struct buffer *out, const struct picture_category *category, double most)
{
    buffer_append_text(out, "<tr><th scope=row>");
    if (category->reserved)
        print(out, "<em>%s</em>", words_reserved(category));
    else
        write_name(out, category->name);
    write_shares(out, category->reference, category->current, category->term, most);
}

static void write_categories(struct buffer *out, const struct feature_picture *picture)
{
    const struct picture_category *rest = &picture->rest;
    double most = fmax(rest->reference, rest->current);
    for (size_t i = 0; i < picture->categories; i++)
        most = fmax(most, fmax(picture->category[i].reference, picture->category[i].current));
    begin_share_table(out, picture, "Categories, those that moved most first", "Category");
    for (size_t i = 0; i < picture->categories; i++)
        write_category(out, &picture->category[i], most);
    if (picture->rest_categories > 0) {
        print(out, "<tr><th scope=row><em>%zu more</em>", picture->rest_categories);
        write_shares(out, rest->reference, rest->current, rest->term, most);
    }
    buffer_append_text(out, "</table></figure>");
}

static void write_numbers(struct buffer *out, const struct feature_picture *picture)
{
    if (picture->histogram.bars > 0) {
        write_figure(out, picture, "Histogram");
        svg_histogram(out, picture);
        buffer_append_text(out, "</figure>");
    }
    if (picture->has_curves) {
        write_figure(out, picture, "Share of the values up to here");
        svg_curves(out, picture);
        buffer_append_text(out, "</figure>");
        write_quantiles(out, picture);
    }
    if (picture->bins > 0)
        write_bins(out, picture);
}

/* "; missing: 31 % of the current rows, 15 % of the reference", unless there are none. */
static void write_part(struct buffer *out, const struct feature_picture *picture, const char *what,
                       double current, double reference)
{
    const struct number_pair pair = percent_pair_words(reference, current);
    if (current > 0 || reference > 0)
        print(out, "; %s: %s of the current rows, %s of the %s", what, pair.to.text, pair.from.text,
              picture->earlier ? "earlier ones" : "reference");
}

static double share_of(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static void write_sizes(struct buffer *out, const struct detector_feature_report *feature,
                        const struct feature_picture *picture)
{
    const uint64_t rows = feature->window_rows;
    print(out, "<p class=soft>%llu rows against %llu %s", (unsigned long long)rows,
          (unsigned long long)feature->reference_rows,
          picture->earlier ? "then" : "of the reference");
    write_part(out, picture, "missing", share_of(feature->window_missing, rows),
               share_of(feature->reference_missing, feature->reference_rows));
    if (!picture->earlier)
        write_part(out, picture, "not in the reference", share_of(feature->window_unseen, rows), 0);
    buffer_append_text(out, "</p>");
}

/* A comparison with an earlier window has no verdict: it is not what the thresholds are about. */
static void write_heading(struct buffer *out, const struct report_view *view, size_t place,
                          const struct feature_picture *picture)
{
    const struct detector_feature_report *feature = &view->drift->features[view->feature[place]];
    const enum report_verdict verdict = report_verdict(feature);
    print(out, "<article id=f%zu class=%s><h2>", place + 1,
          picture->earlier ? "earlier" : verdict_class(verdict));
    write_name(out, feature->name);
    buffer_append_text(out, " <span class=badge>");
    if (picture->earlier) {
        buffer_append_text(out, "compared with ");
        print_html(out, view->reference);
    } else {
        buffer_append_text(out, report_verdict_words(verdict));
    }
    buffer_append_text(out, "</span></h2><p class=sentence>");
}

static void write_feature(struct buffer *out, const struct report_view *view, size_t place)
{
    const struct detector_feature_report *feature = &view->drift->features[view->feature[place]];
    struct feature_picture picture;
    view->picture(view->context, view->feature[place], &picture);
    write_heading(out, view, place, &picture);
    words_feature(out, feature, &picture, write_name);
    buffer_append_text(out, "</p>");
    write_sizes(out, feature, &picture);
    buffer_append_text(out, "<div class=figures>");
    if (feature->type == FEATURE_NUMERIC)
        write_numbers(out, &picture);
    else
        write_categories(out, &picture);
    if (!picture.earlier)
        write_scores(out, feature);
    buffer_append_text(out, "</div></article>");
}

/* --- the page --- */

static void write_head(struct buffer *out, const struct report_view *view)
{
    buffer_append_text(out, "<!doctype html><html lang=en><head><meta charset=utf-8><meta "
                            "name=viewport content=\"width=device-width, initial-scale=1\"><meta "
                            "http-equiv=Content-Security-Policy content=\"" POLICY
                            "\"><link rel=icon href=\"data:,\"><title>");
    print_html(out, view->title);
    buffer_append_text(out, "</title><style>");
    buffer_append(out, report_css, sizeof(report_css));
    buffer_append_text(out, "</style></head><body><header><h1>");
    print_html(out, view->title);
    buffer_append_text(out, "</h1><p class=summary>");
    words_summary(out, view, write_name);
    buffer_append_text(out, "</p>");
}

static void write_fact(struct buffer *out, const char *role, const char *what, uint64_t rows)
{
    print(out, "<dt>%s<dd>", role);
    print_html(out, what);
    print(out, ", %llu row%s", (unsigned long long)rows, rows == 1 ? "" : "s");
}

static void write_facts(struct buffer *out, const struct report_view *view)
{
    const struct detector_report *drift = view->drift;
    buffer_append_text(out, "<dl>");
    write_fact(out, "Reference", view->reference, drift->reference_rows);
    write_fact(out, "Current", view->current, drift->window_rows);
    print(out,
          "<dt>Drift is<dd>a score above %s (critical: %s) that chance does not explain (level %s, "
          "Holm)",
          number_words(drift->threshold[SEVERITY_WARNING]).text,
          number_words(drift->threshold[SEVERITY_CRITICAL]).text,
          number_words(drift->significance).text);
    if (view->written_ms) {
        char text[TIMESTAMP_BYTES];
        timestamp_format(view->written_ms, text);
        print(out, "<dt>Written<dd>%s", text);
    }
    buffer_append_text(out, "</dl>");
    if (view->notes > 0)
        buffer_append_text(out, "<ul>");
    for (size_t i = 0; i < view->notes; i++) {
        buffer_append_text(out, "<li>");
        print_html(out, view->note[i]);
    }
    buffer_append_text(out, view->notes > 0 ? "</ul></header>" : "</header>");
}

static void write_row(struct buffer *out, const struct report_view *view, size_t place)
{
    const struct detector_feature_report *feature = &view->drift->features[view->feature[place]];
    const enum report_verdict verdict = report_verdict(feature);
    const enum drift_method method = report_method(feature);
    print(out, "<tr><th scope=row><a href=\"#f%zu\">", place + 1);
    write_name(out, feature->name);
    print(out, "</a><td class=%s>%s<td>%s", verdict_class(verdict), report_verdict_words(verdict),
          drift_method_name(method));
    write_cell(out, feature->method[method].score);
    buffer_append_text(out, "<td>");
    svg_strength(out, report_strength(feature));
}

static void write_overview(struct buffer *out, const struct report_view *view)
{
    buffer_append_text(out, "<nav aria-label=Features><table><caption>Features, the strongest "
                            "first; the mark in a bar is the threshold</caption><tr><th "
                            "scope=col>Feature<th scope=col>Verdict<th scope=col>Method<th "
                            "scope=col>Score<th scope=col>Against its threshold");
    for (size_t i = 0; i < view->features; i++)
        write_row(out, view, i);
    buffer_append_text(out, "</table></nav>");
}

void report_write_html(const struct report_view *view, struct buffer *out)
{
    write_head(out, view);
    write_facts(out, view);
    if (view->features > 1)
        write_overview(out, view);
    buffer_append_text(out, "<main>");
    for (size_t i = 0; i < view->features; i++)
        write_feature(out, view, i);
    buffer_append_text(out, "</main></body></html>\n");
}
