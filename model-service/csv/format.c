/* format.c - see the header. */
#include "csv/format.h"

#include "csv/csv.h"
#include "csv/scan.h"
#include "row/text_value.h"
#include "text/excerpt.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const struct {
    char character;
    const char *name, *plural, *with_commas;
} delimiters[] = {{',', "comma", "commas", "commas, decimal commas"},
                  {';', "semicolon", "semicolons", "semicolons, decimal commas"},
                  {'\t', "tab", "tabs", "tabs, decimal commas"},
                  {'|', "pipe", "pipes", "pipes, decimal commas"}};
#define DELIMITERS (sizeof(delimiters) / sizeof(delimiters[0]))

static size_t find_delimiter(char character)
{
    size_t i = 0;

    while (i < DELIMITERS - 1 && delimiters[i].character != character)
        i++;
    return i;
}

const char *csv_delimiter_name(char delimiter)
{
    return delimiters[find_delimiter(delimiter)].name;
}

const char *csv_format_words(const struct csv_format *format)
{
    const size_t i = find_delimiter(format->delimiter);

    return format->decimal == ',' ? delimiters[i].with_commas : delimiters[i].plural;
}

bool csv_delimiter_parse(const char *text, char *ret_delimiter)
{
    for (size_t i = 0; i < DELIMITERS; i++) {
        const char itself[] = {delimiters[i].character, '\0'};

        if (strcmp(text, delimiters[i].name) != 0 && strcmp(text, itself) != 0)
            continue;
        *ret_delimiter = delimiters[i].character;
        return true;
    }
    if (strcmp(text, "\\t") != 0)
        return false;
    *ret_delimiter = '\t';
    return true;
}

bool csv_decimal_parse(const char *text, char *ret_decimal)
{
    const bool comma = strcmp(text, "comma") == 0 || strcmp(text, ",") == 0;

    if (!comma && strcmp(text, "point") != 0 && strcmp(text, ".") != 0)
        return false;
    *ret_decimal = comma ? ',' : '.';
    return true;
}

/* --- numbers with a decimal comma --- */

/* Longest text that may be a number with a decimal comma; more digits than a double can have. */
#define DECIMAL_BYTES 400

int csv_field_number(const struct csv_field *field, double *ret_value)
{
    const char *comma;
    char point[DECIMAL_BYTES];

    if (!field->decimal_comma)
        return text_value_number(field->text, field->bytes, ret_value);
    if (memchr(field->text, '.', field->bytes))
        return -EINVAL; /* it groups thousands where decimals have a comma */
    comma = memchr(field->text, ',', field->bytes);
    if (!comma)
        return text_value_number(field->text, field->bytes, ret_value);
    if (field->bytes >= sizeof(point))
        return -EINVAL;
    memcpy(point, field->text, field->bytes + 1);
    point[comma - field->text] = '.';
    return text_value_number(point, field->bytes, ret_value);
}

enum decimal_sign { NO_DECIMAL, POINT, COMMA, COMMA_OR_THOUSANDS };

/* What the text says about decimals: digits, one point or comma, digits. Three digits after a comma
 * may be a thousands group, unless no such group could stand before it. */
static enum decimal_sign decimal_sign(const char *text, size_t bytes)
{
    const char *end = text + bytes, *c = text;

    c += c < end && (*c == '-' || *c == '+');
    const char *whole = c;
    while (c < end && isdigit((unsigned char)*c))
        c++;
    const size_t before = (size_t)(c - whole);
    if (c == end || (*c != '.' && *c != ','))
        return NO_DECIMAL;
    const char sign = *c++;
    const char *fraction = c;
    while (c < end && isdigit((unsigned char)*c))
        c++;
    if (c < end || c == fraction || before == 0)
        return NO_DECIMAL;
    if (sign == '.')
        return POINT;
    return c - fraction == 3 && before <= 3 && *whole != '0' ? COMMA_OR_THOUSANDS : COMMA;
}

/* --- recognising --- */

/* The rows at the beginning of a file, one after the other. */
struct sample {
    const char *text;
    size_t bytes;
    bool at_end;
    char delimiter;
};

/* Takes the next row that is not blank; false if there is no whole one. */
static bool next_row(struct sample *sample, const char **ret_row, size_t *ret_bytes)
{
    while (sample->bytes > 0) {
        struct csv_scanned row;
        size_t open;

        if (csv_scan_row(sample->text, sample->bytes, sample->at_end, sample->delimiter, &row,
                         &open) != SCAN_ROW)
            return false;
        *ret_row = sample->text;
        *ret_bytes = row.bytes;
        sample->text += row.consumed;
        sample->bytes -= row.consumed;
        if (row.bytes > 0)
            return true;
    }
    return false;
}

/* How well a delimiter divides the rows. */
struct fit {
    size_t header;  /* fields of the header */
    size_t rows;    /* after it */
    size_t equal;   /* rows with as many fields */
    size_t divided; /* rows with more than one field */
};

static struct fit try_delimiter(struct sample sample)
{
    struct fit fit = {.header = 1};
    const char *row;
    size_t bytes;

    if (!next_row(&sample, &row, &bytes))
        return fit;
    fit.header = csv_count_fields(row, bytes, sample.delimiter);
    while (fit.header > 1 && next_row(&sample, &row, &bytes)) {
        const size_t fields = csv_count_fields(row, bytes, sample.delimiter);

        fit.rows++;
        fit.equal += fields == fit.header;
        fit.divided += fields > 1;
    }
    return fit;
}

/* Above 0 if a fits better: first by whole rows, then by divided ones. */
static int compare_fits(const struct fit *a, const struct fit *b)
{
    if (a->equal != b->equal)
        return a->equal > b->equal ? 1 : -1;
    return (a->divided > b->divided) - (a->divided < b->divided);
}

static int fail_ambiguous(const char *path, const struct fit *fits, size_t first, size_t second,
                          struct error *error)
{
    return csv_fail(path, error, -EBADMSG, 1,
                    "the fields may be separated by %s (%zu columns) or by %s (%zu columns): name "
                    "the delimiter, with --delimiter %s or --delimiter %s (in a configuration: "
                    "delimiter)",
                    delimiters[first].plural, fits[first].header, delimiters[second].plural,
                    fits[second].header, delimiters[first].name, delimiters[second].name);
}

/* A header without any delimiter is one column. One whose delimiter no row has may be the odd name
 * of a single column, such as "a;b": rows without a delimiter are a column then. */
static int recognise_delimiter(struct csv_format *format, const char *path,
                               const struct sample *sample, struct error *error)
{
    struct fit fits[DELIMITERS];
    size_t best = DELIMITERS, equal = DELIMITERS;

    for (size_t i = 0; i < DELIMITERS; i++) {
        struct sample rows = *sample;

        rows.delimiter = delimiters[i].character;
        fits[i] = try_delimiter(rows);
        if (fits[i].header == 1 || (i > 0 && fits[i].rows > 0 && fits[i].divided == 0))
            continue;
        const int order = best == DELIMITERS ? 1 : compare_fits(&fits[i], &fits[best]);
        if (order == 0)
            equal = i;
        if (order <= 0)
            continue;
        best = i;
        equal = DELIMITERS;
    }
    if (equal < DELIMITERS)
        return fail_ambiguous(path, fits, best, equal, error);
    format->delimiter = delimiters[best == DELIMITERS ? 0 : best].character;
    return 0;
}

static int fail_decimal(const char *path, char delimiter, const char *text, size_t bytes,
                        struct error *error)
{
    return csv_fail(path, error, -EBADMSG, 0,
                    "the fields are separated by %s, and \"%s\" may be a decimal or have a comma "
                    "between its thousands: say --decimal comma or --decimal point (in a "
                    "configuration: decimal)",
                    delimiters[find_delimiter(delimiter)].plural, excerpt_bytes(text, bytes).text);
}

/* The field at the beginning of a row, without quotes around it; returns where the next one begins,
 * NULL after the last. */
static const char *cut_field(const char *row, const char *end, char delimiter,
                             const char **ret_text, size_t *ret_bytes)
{
    const size_t bytes = csv_field_bytes(row, (size_t)(end - row), delimiter);
    const bool quoted = bytes >= 2 && row[0] == '"' && row[bytes - 1] == '"';

    *ret_text = row + quoted;
    *ret_bytes = bytes - 2 * quoted;
    return row + bytes < end ? row + bytes + 1 : NULL;
}

static int recognise_decimal(struct csv_format *format, const char *path, struct sample sample,
                             struct error *error)
{
    size_t counts[COMMA_OR_THOUSANDS + 1] = {0};
    const char *row, *text, *unclear = NULL;
    size_t bytes, unclear_bytes = 0;

    format->decimal = '.';
    if (format->delimiter == ',')
        return 0;
    sample.delimiter = format->delimiter;
    for (bool header = true; next_row(&sample, &row, &bytes); header = false) {
        const char *end = row + bytes;

        while (!header && row) {
            row = cut_field(row, end, format->delimiter, &text, &bytes);
            const enum decimal_sign sign = decimal_sign(text, bytes);
            counts[sign]++;
            if (sign == COMMA_OR_THOUSANDS && !unclear) {
                unclear = text;
                unclear_bytes = bytes;
            }
        }
    }
    if (counts[POINT] > 0 || (counts[COMMA] == 0 && !unclear))
        return 0;
    if (counts[COMMA] == 0)
        return fail_decimal(path, format->delimiter, unclear, unclear_bytes, error);
    format->decimal = ',';
    return 0;
}

int csv_format_recognise(struct csv_format *format, const char *path, const char *text,
                         size_t bytes, bool at_end, struct error *error)
{
    const struct sample sample = {.text = text, .bytes = bytes, .at_end = at_end};
    struct csv_format found = *format;
    int rc = 0;

    if (!found.delimiter)
        rc = recognise_delimiter(&found, path, &sample, error);
    if (rc == 0 && !found.decimal)
        rc = recognise_decimal(&found, path, sample, error);
    if (rc == 0)
        *format = found;
    return rc;
}
