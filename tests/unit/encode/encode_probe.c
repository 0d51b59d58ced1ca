/* encode_probe.c - the encoders on a pipe, for tests that hold them against another implementation.
 *
 * usage: encode_probe number|le|json|label|openmetrics-label
 * number, le: raw doubles on stdin, a line of text for each.
 * the others: records of a native 32-bit length and as many bytes; for each a line of JSON
 * ({"string": record, "n": count so far}) or one gauge with the record as label and help. */
#include "encode/exposition.h"
#include "encode/json_writer.h"
#include "text/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RECORD = 1 << 20 };

static int print_numbers(size_t (*format)(double, char *))
{
    char text[NUMBER_MAX_BYTES];
    double value;

    while (fread(&value, sizeof(value), 1, stdin) == 1) {
        fwrite(text, 1, format(value, text), stdout);
        putchar('\n');
    }
    return 0;
}

static void encode_json(struct buffer *out, char *record, size_t bytes, unsigned count)
{
    struct json_writer json;

    json_init(&json, out);
    json_begin_object(&json);
    json_key(&json, "string");
    json_string_bytes(&json, record, bytes);
    json_member_integer(&json, "n", count);
    json_end_object(&json);
    buffer_append_char(out, '\n');
}

static void encode_label(struct buffer *out, char *record, enum exposition_format format,
                         unsigned count)
{
    const struct metric_family family = {"probe", METRIC_GAUGE, "", record};
    const struct metric_label label = {"value", record};
    struct exposition exposition;

    exposition_init(&exposition, out, format);
    if (count == 0)
        exposition_family(&exposition, &family);
    exposition.family = &family;
    exposition_sample(&exposition, &label, 1, count);
}

static int print_records(const char *mode)
{
    char *record = malloc(MAX_RECORD + 1), *data;
    struct buffer out;
    size_t length;
    uint32_t bytes;

    buffer_init(&out, 0);
    for (unsigned count = 0; record && fread(&bytes, sizeof(bytes), 1, stdin) == 1; count++) {
        if (bytes > MAX_RECORD || fread(record, 1, bytes, stdin) != bytes)
            return 1;
        record[bytes] = '\0';
        if (strcmp(mode, "json") == 0)
            encode_json(&out, record, bytes, count);
        else
            encode_label(&out, record,
                         strcmp(mode, "label") == 0 ? EXPOSITION_TEXT : EXPOSITION_OPENMETRICS,
                         count);
    }
    if (strcmp(mode, "openmetrics-label") == 0)
        buffer_append_text(&out, "# EOF\n");
    free(record);
    if (buffer_take(&out, &data, &length) < 0)
        return 1;
    fwrite(data, 1, length, stdout);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc == 2 ? argv[1] : "";

    if (strcmp(mode, "number") == 0)
        return print_numbers(number_format);
    if (strcmp(mode, "le") == 0)
        return print_numbers(number_format_le);
    if (strcmp(mode, "json") == 0 || strstr(mode, "label"))
        return print_records(mode);
    fputs("usage: encode_probe number|le|json|label|openmetrics-label\n", stderr);
    return 2;
}
