/* markdown.c - a summary for a pull request: a sentence, and a table of what moved. */
#include "report/print.h"
#include "report/report.h"
#include "report/words.h"

/* A comment of more lines than this is not read. */
#define MOST_ROWS 20

static void write_name(struct buffer *out, const char *name)
{
    print_markdown_code(out, name, 0);
}

static void write_table_name(struct buffer *out, const char *name)
{
    print_markdown_code(out, name, 1);
}

static bool is_quiet(const struct detector_feature_report *feature)
{
    const enum report_verdict verdict = report_verdict(feature);
    return verdict == REPORT_QUIET || verdict == REPORT_NO_SCORE;
}

static void write_row(struct buffer *out, const struct report_view *view, size_t f)
{
    const struct detector_feature_report *feature = &view->drift->features[f];
    const enum drift_method method = report_method(feature);
    struct feature_picture picture;
    view->picture(view->context, f, &picture);
    buffer_append_text(out, "| ");
    write_table_name(out, feature->name);
    print(out, " | %s | %s %s | ", report_verdict_words(report_verdict(feature)),
          drift_method_name(method), number_words(feature->method[method].score).text);
    words_feature(out, feature, &picture, write_table_name);
    buffer_append_text(out, " |\n");
}

void report_write_markdown(const struct report_view *view, struct buffer *out)
{
    size_t moved = 0;
    buffer_append_text(out, "**");
    words_summary(out, view, write_name);
    buffer_append_text(out, "**\n\n");
    write_name(out, view->current);
    print(out, " (%llu rows) against ", (unsigned long long)view->drift->window_rows);
    write_name(out, view->reference);
    print(out, " (%llu rows).\n", (unsigned long long)view->drift->reference_rows);
    for (size_t i = 0; i < view->features; i++) {
        if (is_quiet(&view->drift->features[view->feature[i]]) || moved++ >= MOST_ROWS)
            continue;
        if (moved == 1)
            buffer_append_text(out, "\n| feature | verdict | score | what changed |\n"
                                    "|---|---|---|---|\n");
        write_row(out, view, view->feature[i]);
    }
    if (moved > MOST_ROWS)
        print(out, "\nand %zu more that moved.\n", moved - MOST_ROWS);
    for (size_t i = 0; i < view->notes; i++) {
        buffer_append_text(out, i == 0 ? "\n- " : "- ");
        write_name(out, view->note[i]);
        buffer_append_char(out, '\n');
    }
}
