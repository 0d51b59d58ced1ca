/* fuzz_json.c - libFuzzer target of the request bodies; corpus in corpus/json/.
 * Run by scripts/fuzz.sh json. */
#include "json/input.h"

#include "text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INSTANCES 8

static const char *const names[] = {"age", "sex", "features", "id"};
static const bool kinds[] = {false, true, false, false};
static const struct schema schemas[] = {
    {2, names, kinds, false, NULL},
    {2, names, kinds, true, NULL},
    {4, names, kinds, true, NULL},
};

static void check_error(int r, const struct input_error *error)
{
    size_t bytes = strlen(error->detail);

    if (r != -EINVAL || bytes == 0 || !utf8_is_valid(error->detail, bytes) ||
        strchr(error->detail, '\n') ||
        (error->status != 400 && error->status != 413 && error->status != 422))
        abort();
}

static void check_request(const struct schema *schema, const struct input_request *request)
{
    if (request->count == 0 || request->count > MAX_INSTANCES)
        abort();
    for (size_t i = 0; i < request->count; i++)
        for (size_t f = 0; f < schema->features; f++) {
            const struct value *value = &request->rows[i].value[f];

            if (value->text ? !kinds[f] || memchr(value->text, '\0', value->text_bytes)
                            : !isfinite(value->number) && !schema->allow_missing)
                abort();
        }
}

static void decode_simulation(const char *body, size_t size)
{
    struct input_simulation simulation = {.severity = 0.5, .n_requests = 100};
    struct input_error error = {0};
    int r = input_simulation_decode(body, size, &simulation, &error);

    if (r < 0) {
        check_error(r, &error);
        return;
    }
    if (!(simulation.severity >= 0.0 && simulation.severity <= 1.0) || simulation.n_requests == 0 ||
        strlen(simulation.kind) >= sizeof(simulation.kind))
        abort();
    input_simulation_finish(&simulation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *body = (const char *)data;

    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        struct input_request request;
        struct input_error error = {0};
        int r = input_predict_decode(body, size, &schemas[i], MAX_INSTANCES, &request, &error);

        if (r == 0) {
            check_request(&schemas[i], &request);
            input_request_finish(&request);
        } else {
            check_error(r, &error);
        }
    }
    decode_simulation(body, size);
    return 0;
}
