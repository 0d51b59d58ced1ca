/* report.c - the answer of a check as a page, and as Markdown. */
#include "check/check.h"

#include "report/report.h"

#include <errno.h>
#include <stdlib.h>

static void draw(const void *context, size_t feature, struct feature_picture *ret_picture)
{
    const struct check *check = context;
    detector_picture(check->detector, feature, ret_picture);
}

/* Sentences about the files, for the reader of the report. */
struct notes {
    char (*text)[CHECK_NOTE_BYTES];
    const char **note;
    size_t count;
};

static char *next_note(struct notes *notes)
{
    notes->note[notes->count] = notes->text[notes->count];
    return notes->text[notes->count++];
}

static void note_bad_rows(struct notes *notes, const char *role, const struct check_bad_rows *bad)
{
    if (bad->count > 0)
        snprintf(next_note(notes), CHECK_NOTE_BYTES, "%llu bad row%s of the %s file left out",
                 (unsigned long long)bad->count, bad->count == 1 ? "" : "s", role);
}

static void note_skipped(struct notes *notes, const struct check_skipped *skipped)
{
    const struct excerpt name = excerpt(skipped->name);
    char *note = next_note(notes);
    if (skipped->side == CHECK_BOTH || skipped->side == CHECK_DOUBLED)
        snprintf(note, CHECK_NOTE_BYTES, "%s was skipped: %s", name.text, skipped->reason);
    else
        snprintf(note, CHECK_NOTE_BYTES, "%s is only in the %s file", name.text,
                 skipped->side == CHECK_ONLY_REFERENCE ? "reference" : "current");
}

static int write_notes(const struct check *check, struct notes *notes)
{
    const struct check_columns *columns = &check->columns;
    const size_t most = 2 + columns->skipped_count + columns->count;
    notes->count = 0;
    notes->text = calloc(most, sizeof(*notes->text));
    notes->note = calloc(most, sizeof(*notes->note));
    if (!notes->text || !notes->note)
        return -ENOMEM;
    note_bad_rows(notes, "reference", &check->bad_reference);
    note_bad_rows(notes, "current", &check->bad_current);
    for (size_t i = 0; i < columns->skipped_count; i++)
        note_skipped(notes, &columns->skipped[i]);
    for (size_t i = 0; i < columns->count; i++)
        if (check_note(check, i, notes->text[notes->count]))
            next_note(notes);
    return 0;
}

static int print_view(const struct check *check, FILE *out, const struct notes *notes,
                      void write(const struct report_view *view, struct buffer *out))
{
    const size_t features = check->report.feature_count;
    size_t *order = calloc(features, sizeof(*order));
    if (!order)
        return -ENOMEM;
    report_order(&check->report, order);
    const struct report_view view = {
        .title = "Drift report",
        .reference = check->settings->reference,
        .current = check->settings->current,
        .note = notes->note,
        .notes = notes->count,
        .drift = &check->report,
        .feature = order,
        .features = features,
        .picture = draw,
        .context = check,
    };
    struct buffer buffer;
    buffer_init(&buffer, 1 << 16);
    write(&view, &buffer);
    int rc = buffer.error;
    if (rc == 0 && (fwrite(buffer.data, 1, buffer.length, out) != buffer.length || fflush(out)))
        rc = -EIO;
    buffer_finish(&buffer);
    free(order);
    return rc;
}

static int print_report(const struct check *check, FILE *out,
                        void write(const struct report_view *view, struct buffer *out))
{
    struct notes notes = {0};
    int rc = write_notes(check, &notes);
    if (rc == 0)
        rc = print_view(check, out, &notes, write);
    free(notes.text);
    free(notes.note);
    return rc;
}

int check_print_html(const struct check *check, FILE *out)
{
    return print_report(check, out, report_write_html);
}

int check_print_markdown(const struct check *check, FILE *out)
{
    return print_report(check, out, report_write_markdown);
}
