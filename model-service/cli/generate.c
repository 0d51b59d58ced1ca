/* generate.c - rows of the built-in model's inputs on standard output. */
#include "cli/commands.h"
#include "cli/options.h"
#include "data_generator.h"
#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "served/model.h"
#include "text/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GENERATE_MAX_ROWS 1000000000ull

enum { OPTION_ROWS, OPTION_SEED, OPTION_SEVERITY, OPTION_KIND, OPTION_FORMAT };

static const struct cli_option options[] = {
    [OPTION_ROWS] = {"rows", "N", "how many rows (default 100)"},
    [OPTION_SEED] = {"seed", "S", "of the rows; another seed, other rows (default 1)"},
    [OPTION_SEVERITY] = {"severity", "X", "drift from 0 (none, the default) to 1"},
    [OPTION_KIND] = {"kind", "KIND", "mixed (default), shifted or scaled"},
    [OPTION_FORMAT] = {"format", "FORMAT",
                       "csv (default), ndjson, or instances: one /predict body"},
};

static const struct cli_command command = {
    .name = "generate",
    .positional = "",
    .summary = "Prints rows drawn from the distribution of the built-in model's reference data,\n"
               "with drift of a chosen severity in the first three features.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

static void write_csv(struct buffer *out, const double *row)
{
    for (size_t f = 0; f < BUILTIN_FEATURES; f++) {
        if (f > 0)
            buffer_append_char(out, ',');
        char *room = buffer_reserve(out, NUMBER_MAX_BYTES);
        if (room)
            out->length += number_format(row[f], room);
    }
    buffer_append_char(out, '\n');
}

static void write_json(struct json_writer *json, const double *row)
{
    json_begin_object(json);
    json_key(json, "features");
    json_begin_array(json);
    for (size_t f = 0; f < BUILTIN_FEATURES; f++)
        json_number(json, row[f]);
    json_end_array(json);
    json_end_object(json);
}

enum format { FORMAT_CSV, FORMAT_NDJSON, FORMAT_INSTANCES, FORMAT_COUNT };
static const char *const format_names[FORMAT_COUNT] = {"csv", "ndjson", "instances"};

static int parse_format(const char *text, enum format *ret_format)
{
    for (enum format format = 0; text && format < FORMAT_COUNT; format++)
        if (strcmp(text, format_names[format]) == 0) {
            *ret_format = format;
            return 0;
        }
    if (!text)
        return 0;
    fprintf(stderr, "model-service generate: --format must be csv, ndjson or instances, got '%s'\n",
            text);
    return -1;
}

/* Writes what has gathered; standard output may be a pipe that closed. */
static int flush(struct buffer *out)
{
    size_t written = fwrite(out->data, 1, out->length, stdout);
    int rc = out->error || written != out->length ? -1 : 0;
    out->length = 0;
    return rc;
}

static int generate(struct data_generator *generator, enum format format, unsigned long long rows)
{
    struct buffer out;
    buffer_init(&out, 1 << 16);
    struct json_writer json;
    json_init(&json, &out);
    if (format == FORMAT_CSV)
        buffer_append_text(&out, "feature_0,feature_1,feature_2,feature_3,feature_4\n");
    if (format == FORMAT_INSTANCES)
        buffer_append_text(&out, "{\"instances\": [");
    int rc = 0;
    for (unsigned long long i = 0; rc == 0 && i < rows; i++) {
        double row[BUILTIN_FEATURES];
        data_generator_next(generator, row);
        if (format == FORMAT_CSV) {
            write_csv(&out, row);
        } else {
            json_init(&json, &out);
            if (format == FORMAT_INSTANCES && i > 0)
                buffer_append_char(&out, ',');
            write_json(&json, row);
            if (format == FORMAT_NDJSON)
                buffer_append_char(&out, '\n');
        }
        if (out.length > 1 << 15)
            rc = flush(&out);
    }
    if (format == FORMAT_INSTANCES)
        buffer_append_text(&out, "]}\n");
    if (rc == 0)
        rc = flush(&out);
    if (fflush(stdout) != 0)
        rc = -1;
    buffer_finish(&out);
    return rc;
}

int generate_main(int argc, char **argv)
{
    const char *values[CLI_MAX_OPTIONS];
    int first, parsed = cli_parse(&command, argc, argv, values, &first);
    if (parsed != 0)
        return parsed == CLI_HELP ? CLI_OK : CLI_USAGE;
    unsigned long long rows = 100, seed = 1;
    double severity = 0;
    enum format format = FORMAT_CSV;
    enum drift_kind kind = DRIFT_KIND_MIXED;
    if (cli_integer(&command, "rows", values[OPTION_ROWS], 1, GENERATE_MAX_ROWS, &rows) < 0 ||
        cli_integer(&command, "seed", values[OPTION_SEED], 0, ~0ull, &seed) < 0 ||
        cli_number(&command, "severity", values[OPTION_SEVERITY], 0, 1, &severity) < 0 ||
        parse_format(values[OPTION_FORMAT], &format) < 0)
        return CLI_USAGE;
    if (values[OPTION_KIND] && drift_kind_parse(values[OPTION_KIND], &kind) < 0) {
        fprintf(stderr,
                "model-service generate: --kind must be mixed, shifted or scaled, got '%s'\n",
                values[OPTION_KIND]);
        return CLI_USAGE;
    }
    struct data_generator *generator;
    /* the seed 0 is the reference's own: seeds are moved away from it and from simulations */
    if (data_generator_create_synthetic(BUILTIN_FEATURES, BUILTIN_SEED,
                                        seed + 0x9e3779b97f4a7c15ull, &generator) < 0 ||
        data_generator_set_drift(generator, kind, severity, NULL) < 0) {
        fputs("model-service generate: not enough memory\n", stderr);
        return CLI_FAILURE;
    }
    int rc = generate(generator, format, rows);
    data_generator_destroy(generator);
    if (rc < 0)
        fputs("model-service generate: cannot write to standard output\n", stderr);
    return rc < 0 ? CLI_FAILURE : CLI_OK;
}
