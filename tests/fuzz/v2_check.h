/* v2_check.h - an inference request of the V2 protocol, whatever its bytes. For the fuzzer and for
 * the test that replays its corpus. */
#ifndef V2_CHECK_H
#define V2_CHECK_H

#include "text/utf8.h"
#include "json/v2.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define V2_MAX_ROWS 8

static const char *const v2_names[] = {"age", "sex", "x"};
static const bool v2_kinds[] = {false, true, false}, v2_numbers[] = {false, false, false};
static const bool v2_nullable[] = {true, true, false};
static const struct schema v2_schemas[] = {
    {3, v2_names, v2_kinds, false, NULL},
    {3, v2_names, v2_numbers, false, v2_nullable},
    {1, v2_names, v2_kinds, true, NULL},
};
#define V2_SCHEMAS (sizeof(v2_schemas) / sizeof(v2_schemas[0]))

static bool v2_may_miss(const struct schema *schema, size_t feature)
{
    return schema->allow_missing || (schema->nullable && schema->nullable[feature]);
}

static void v2_check_request(const struct schema *schema, const struct v2_request *request)
{
    if (request->count == 0 || request->count > V2_MAX_ROWS || request->output_count == 0 ||
        request->output_count > V2_OUTPUT_COUNT)
        abort();
    for (size_t r = 0; r < request->count; r++)
        for (size_t f = 0; f < schema->features; f++) {
            const struct value *value = &request->rows[r].value[f];
            const bool missing = !value->text && isnan(value->number);

            if (missing ? !v2_may_miss(schema, f) : schema->categorical[f] != (value->text != NULL))
                abort();
            if (value->text && strlen(value->text) != value->text_bytes)
                abort();
            if (!value->text && isinf(value->number))
                abort();
        }
}

static void v2_check(const char *body, size_t bytes)
{
    for (size_t i = 0; i < V2_SCHEMAS; i++) {
        struct v2_request request;
        struct input_error error = {0};
        int r =
            v2_request_decode(body, bytes, &v2_schemas[i], i != 1, V2_MAX_ROWS, &request, &error);

        if (r == 0) {
            v2_check_request(&v2_schemas[i], &request);
            v2_request_finish(&request);
        } else if (r != -EINVAL || !error.detail[0] || strchr(error.detail, '\n') ||
                   !utf8_is_valid(error.detail, strlen(error.detail)) ||
                   (error.status != 400 && error.status != 413 && error.status != 422)) {
            abort();
        }
    }
}

#endif
