/* column_kind.c - see the header. */
#include "row/column_kind.h"
#include "row/text_value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* At this share of numbers a column is numeric. */
#define NUMERIC_PERCENT 95

/* From here on a double does not hold every whole number: the next one is read as this one. */
#define FIRST_LARGE 0x1p53

/* --- dates and times --- */

/* Skips a pattern at the beginning of the text, in which 0 stands for a digit; false if it is not
 * there. */
static bool skip_pattern(const char **text, const char *pattern)
{
    const char *c = *text;
    for (; *pattern; pattern++, c++)
        if (*pattern == '0' ? !isdigit((unsigned char)*c) : *c != *pattern)
            return false;
    *text = c;
    return true;
}

/* Whether the rest after a day is empty, or a time with fraction and zone in one of the usual
 * forms. */
static bool is_time_or_nothing(const char *text)
{
    if (*text == '\0')
        return true;
    return (*text == 'T' || *text == ' ') && isdigit((unsigned char)text[1]) && strchr(text, ':') &&
           strspn(text, "T 0123456789:.,+-ZAPMapmUTC") == strlen(text);
}

static bool is_date(const char *text)
{
    static const char *const days[] = {"0000-00-00", "0000/00/00", "00.00.0000", "00/00/0000",
                                       "00-00-0000"};
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        const char *rest = text;
        if (skip_pattern(&rest, days[i]))
            return is_time_or_nothing(rest);
    }
    return false;
}

/* --- counting --- */

static void note(struct column_example *example, uint64_t line, const char *text, size_t bytes)
{
    if (example->line > 0)
        return;
    example->line = line;
    example->text = excerpt_bytes(text, bytes);
}

bool column_kind_is_whole(const char *text, size_t bytes)
{
    const size_t sign = bytes > 0 && (*text == '-' || *text == '+');
    size_t digits = sign;
    while (digits < bytes && isdigit((unsigned char)text[digits]))
        digits++;
    return digits == bytes && digits > sign;
}

static void count_number(struct column_kind *kind, uint64_t line, const char *text, size_t bytes,
                         int parsed, double number)
{
    kind->numbers++;
    if (text[0] == '0' && bytes > 1 && column_kind_is_whole(text, bytes))
        note(&kind->zeros, line, text, bytes);
    if (parsed < 0 || !(fabs(number) < FIRST_LARGE)) {
        if (column_kind_is_whole(text, bytes))
            note(&kind->large, line, text, bytes);
        else
            kind->fractions |= isinf(number) || number != floor(number);
    } else if ((double)(int64_t)number != number) {
        kind->fractions = true;
    }
}

void column_kind_count_any(struct column_kind *kind, uint64_t line, const char *text, size_t bytes,
                           int parsed, double number)
{
    if (text_value_is_missing(text, bytes))
        return;
    if (parsed != -EINVAL) {
        count_number(kind, line, text, bytes, parsed, number);
        return;
    }
    if (kind->dates == kind->texts && is_date(text))
        kind->dates++;
    kind->texts++;
    note(&kind->text, line, text, bytes);
}

static void add_example(struct column_example *example, const struct column_example *other)
{
    if (other->line > 0 && (example->line == 0 || other->line < example->line))
        *example = *other;
}

/* The sum of dates is that of texts only if every text is a date, which is all that is asked. */
void column_kind_add(struct column_kind *kind, const struct column_kind *other)
{
    kind->numbers += other->numbers;
    kind->texts += other->texts;
    kind->dates += other->dates;
    kind->fractions |= other->fractions;
    add_example(&kind->text, &other->text);
    add_example(&kind->zeros, &other->zeros);
    add_example(&kind->large, &other->large);
}

/* --- judging --- */

bool column_kind_are_codes(const struct column_kind *kind)
{
    return kind->zeros.line > 0 && !kind->fractions;
}

bool column_kind_is_numeric(const struct column_kind *kind)
{
    return kind->numbers > 0 && !column_kind_are_codes(kind) &&
           100 * kind->numbers >= NUMERIC_PERCENT * (kind->numbers + kind->texts);
}

bool column_kind_is_flawed_number(const struct column_kind *kind)
{
    return kind->texts > 0 && column_kind_is_numeric(kind);
}

bool column_kind_are_dates(const struct column_kind *kind)
{
    return kind->numbers == 0 && kind->texts > 0 && kind->dates == kind->texts;
}

bool column_kind_are_large(const struct column_kind *kind)
{
    return kind->large.line > 0 && !kind->fractions;
}

/* Whether a name ends in a word that begins where another word ends. */
static bool ends_in_word(const char *name, const char *word)
{
    const size_t bytes = strlen(name), tail = strlen(word);
    if (bytes < tail || strcasecmp(name + bytes - tail, word) != 0)
        return false;
    if (bytes == tail)
        return true;
    const unsigned char before = (unsigned char)name[bytes - tail - 1];
    return !isalpha(before) || (islower(before) && isupper((unsigned char)name[bytes - tail]));
}

bool column_kind_named(const char *name, const char *const *words)
{
    for (; *words; words++)
        if (ends_in_word(name, *words))
            return true;
    return false;
}

bool column_kind_is_epoch(const char *name, double smallest, double largest)
{
    static const char *const words[] = {"time", "timestamp", "date", "ts", "epoch", "at", NULL};
    return column_kind_named(name, words) &&
           ((smallest >= 1e9 && largest <= 3e9) || (smallest >= 1e12 && largest <= 3e12));
}

bool column_kind_are_identifiers(uint64_t distinct, uint64_t present)
{
    return distinct > COLUMN_KIND_FEW_VALUES && present < 2 * distinct;
}
