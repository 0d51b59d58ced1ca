/* simulation.c - the body of /simulate/drift. */
#include "text/excerpt.h"
#include "json/body.h"
#include "json/limit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Doubles above it skip integers. */
#define LARGEST_EXACT_INTEGER 9007199254740992.0

typedef int (*member_decoder)(const struct json_decoder *decoder, const json_t *json,
                              struct input_simulation *simulation);

static int decode_severity(const struct json_decoder *decoder, const json_t *json,
                           struct input_simulation *simulation)
{
    double severity = json_real_value(json);

    if (!json_is_real(json))
        return json_refuse(decoder, 422, "\"severity\" must be a number from 0 to 1, got %s",
                           json_type_name(json));
    if (severity < 0.0 || severity > 1.0)
        return json_refuse(decoder, 422, "\"severity\" must be from 0 to 1, got %.15g", severity);
    simulation->severity = severity;
    return 0;
}

static int decode_n_requests(const struct json_decoder *decoder, const json_t *json,
                             struct input_simulation *simulation)
{
    double n = json_real_value(json);

    if (!json_is_real(json))
        return json_refuse(decoder, 422, "\"n_requests\" must be a whole number, got %s",
                           json_type_name(json));
    if (!(n >= 1.0 && n <= LARGEST_EXACT_INTEGER) || n != (double)(uint64_t)n)
        return json_refuse(decoder, 422, "\"n_requests\" must be a whole number from 1, got %.15g",
                           n);
    simulation->n_requests = (uint64_t)n;
    return 0;
}

static int decode_kind(const struct json_decoder *decoder, const json_t *json,
                       struct input_simulation *simulation)
{
    if (!json_is_string(json))
        return json_refuse(decoder, 422, "\"kind\" must be a string, got %s", json_type_name(json));
    if (json_string_length(json) >= sizeof(simulation->kind))
        return json_refuse(decoder, 422, "unknown kind \"%s\"",
                           excerpt(json_string_value(json)).text);
    memcpy(simulation->kind, json_string_value(json), json_string_length(json) + 1);
    return 0;
}

static int decode_names(const struct json_decoder *decoder, const json_t *json,
                        struct input_simulation *simulation)
{
    size_t count = json_array_size(json);

    if (count == 0)
        return json_refuse(decoder, 422,
                           "\"features\" must be an array of at least one name, got %s",
                           json_is_array(json) ? "an empty one" : json_type_name(json));
    for (size_t i = 0; i < count; i++)
        if (!json_is_string(json_array_get(json, i)))
            return json_refuse(decoder, 422, "\"features\"[%zu] must be a name, got %s", i,
                               json_type_name(json_array_get(json, i)));
    simulation->features = malloc(count * sizeof(*simulation->features));
    if (!simulation->features)
        return -ENOMEM;
    simulation->feature_count = count;
    for (size_t i = 0; i < count; i++)
        simulation->features[i] = json_string_value(json_array_get(json, i));
    return 0;
}

static const struct {
    const char *name;
    member_decoder decode;
} members[] = {
    {"severity", decode_severity},
    {"n_requests", decode_n_requests},
    {"kind", decode_kind},
    {"features", decode_names},
};

static int decode_member(const struct json_decoder *decoder, const char *name, const json_t *json,
                         struct input_simulation *simulation)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (strcmp(name, members[i].name) == 0)
            return json_is_null(json) ? 0 : members[i].decode(decoder, json, simulation);
    return json_refuse(decoder, 422,
                       "unknown member \"%s\"; known are severity, n_requests, features, kind",
                       excerpt(name).text);
}

int input_simulation_decode(const char *body, size_t bytes, struct input_simulation *simulation,
                            struct input_error *ret_error)
{
    struct json_decoder decoder = {.instance = JSON_NO_INSTANCE, .error = ret_error};
    struct input_simulation result = *simulation;
    const char *name;
    json_t *root, *value;
    int rc;

    result.document = NULL;
    if (json_is_blank(body, bytes)) {
        *simulation = result;
        return 0;
    }
    rc = json_load_object(&decoder, body, bytes, &root);
    if (rc < 0)
        return rc;
    result.document = root;
    json_object_foreach (root, name, value) {
        rc = decode_member(&decoder, name, value, &result);
        if (rc < 0)
            goto fail;
    }
    *simulation = result;
    return 0;
fail:
    if (result.features != simulation->features)
        free(result.features);
    json_limit_release(root);
    return rc;
}

void input_simulation_finish(struct input_simulation *simulation)
{
    json_t *root = simulation->document;

    if (root && json_is_array(json_object_get(root, "features"))) {
        free(simulation->features);
        simulation->features = NULL;
        simulation->feature_count = 0;
    }
    json_limit_release(root);
    simulation->document = NULL;
}
