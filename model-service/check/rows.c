/* rows.c - bad rows. */
#include "check/check.h"

#include "text/excerpt.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

void check_bad_row(struct check_bad_rows *bad, const char *path, uint64_t line, const char *format,
                   ...)
{
    if (bad->count++ >= CHECK_SHOWN_ROWS)
        return;
    char *message = bad->message[bad->count - 1];
    bad->line[bad->count - 1] = line;
    int used = snprintf(message, CHECK_MESSAGE_BYTES, "%s:%llu: ", excerpt_path(path).text,
                        (unsigned long long)line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message + used, CHECK_MESSAGE_BYTES - (size_t)used, format, arguments);
    va_end(arguments);
    excerpt_clean(message);
}

static size_t shown(const struct check_bad_rows *bad)
{
    return bad->count < CHECK_SHOWN_ROWS ? (size_t)bad->count : CHECK_SHOWN_ROWS;
}

void check_bad_rows_merge(struct check_bad_rows *bad, const struct check_bad_rows *other)
{
    const struct check_bad_rows mine = *bad;
    const size_t mine_shown = shown(&mine), other_shown = shown(other);
    bad->count += other->count;
    for (size_t i = 0, m = 0, o = 0; i < shown(bad); i++) {
        const bool first = o == other_shown || (m < mine_shown && mine.line[m] < other->line[o]);
        const struct check_bad_rows *from = first ? &mine : other;
        const size_t at = first ? m++ : o++;
        bad->line[i] = from->line[at];
        memcpy(bad->message[i], from->message[at], sizeof(bad->message[i]));
    }
}

void check_bad_rows_cut(struct check_bad_rows *bad, uint64_t line)
{
    size_t kept = 0;
    while (kept < shown(bad) && bad->line[kept] < line)
        kept++;
    bad->count = kept < shown(bad) ? kept : bad->count;
}

void check_bad_field(struct check_bad_rows *bad, const char *path, uint64_t line, const char *name,
                     const struct csv_field *field, int error)
{
    check_bad_row(bad, path, line, "column \"%s\": \"%s\" is %s", excerpt(name).text,
                  excerpt_bytes(field->text, field->bytes).text,
                  error == 0         ? "not UTF-8"
                  : error == -ERANGE ? "outside the range of a 64-bit float"
                                     : "not a number");
}

void check_bad_length(struct check_bad_rows *bad, const char *path, uint64_t line, size_t fields,
                      size_t expected)
{
    check_bad_row(bad, path, line, "the row has %zu field%s, the header has %zu", fields,
                  fields == 1 ? "" : "s", expected);
}
