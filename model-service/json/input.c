/* input.c - request bodies as typed rows. */
#include "json/input.h"

#include "row/text_value.h"
#include "text/excerpt.h"
#include "json/body.h"
#include "json/limit.h"
#include "json/quick.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Schema names listed after an unknown one: enough to see the pattern. */
#define LISTED_NAMES 10
#define LIST_BYTES   160

struct name_list {
    char text[LIST_BYTES + EXCERPT_BYTES];
};

static struct name_list list_names(const struct schema *schema)
{
    struct name_list list = {.text = ""};
    size_t used = 0;

    for (size_t i = 0; i < schema->features; i++) {
        if (i == LISTED_NAMES || used >= LIST_BYTES - EXCERPT_BYTES) {
            snprintf(list.text + used, sizeof(list.text) - used, ", ...");
            break;
        }
        used += (size_t)snprintf(list.text + used, sizeof(list.text) - used, "%s%s", i ? ", " : "",
                                 excerpt(schema->name[i]).text);
    }
    return list;
}

static int refuse_unknown(const struct json_decoder *decoder, const char *name)
{
    return json_refuse(decoder, 422, "unknown feature \"%s\"; the model has %s", excerpt(name).text,
                       list_names(decoder->schema).text);
}

/* Whether an absent feature is missing. */
static bool may_miss(const struct json_decoder *decoder)
{
    return decoder->observing || decoder->schema->allow_missing;
}

static int refuse_text(const struct json_decoder *decoder, size_t feature, const json_t *json)
{
    char found[EXCERPT_BYTES + 8];

    snprintf(found, sizeof(found), "\"%s\"", excerpt(json_string_value(json)).text);
    return json_refuse_value(decoder, feature, found);
}

/* What JSON has no number for. */
static bool special_number(const json_t *json, double *ret_number)
{
    const char *text = json_string_value(json);

    if (strcmp(text, "NaN") == 0)
        *ret_number = NAN;
    else if (strcmp(text, "Infinity") == 0)
        *ret_number = INFINITY;
    else if (strcmp(text, "-Infinity") == 0)
        *ret_number = -INFINITY;
    else
        return false;
    return true;
}

static int observe_value(const struct json_decoder *decoder, size_t feature, const json_t *json,
                         struct value *value)
{
    const bool categorical = decoder->schema->categorical[feature];

    *value = value_missing();
    if (json_is_real(json)) {
        value->number = json_real_value(json);
    } else if (json_is_string(json) && categorical) {
        if (!text_value_is_missing(json_string_value(json), json_string_length(json)))
            *value = value_of_text(json_string_value(json), json_string_length(json));
    } else if (json_is_string(json)) {
        if (!special_number(json, &value->number))
            return refuse_text(decoder, feature, json);
    } else if (json_is_boolean(json) && categorical) {
        *value = value_of_boolean(json_is_true(json));
    } else if (!json_is_null(json)) {
        return json_refuse_value(decoder, feature, json_type_name(json));
    }
    return 0;
}

static int decode_value(const struct json_decoder *decoder, size_t feature, const json_t *json,
                        struct value *value)
{
    bool categorical = decoder->schema->categorical[feature];

    if (decoder->observing)
        return observe_value(decoder, feature, json, value);
    if (!categorical && json_is_real(json)) {
        *value = (struct value){.number = json_real_value(json)};
    } else if (categorical && json_is_string(json)) {
        *value = value_of_text(json_string_value(json), json_string_length(json));
    } else if (categorical && json_is_boolean(json)) {
        *value = value_of_boolean(json_is_true(json));
    } else if (json_is_null(json) && schema_may_be_null(decoder->schema, feature)) {
        *value = value_missing();
    } else {
        return json_refuse_value(decoder, feature, json_type_name(json));
    }
    return 0;
}

static int decode_array(const struct json_decoder *decoder, const json_t *json,
                        struct value *values)
{
    const struct schema *schema = decoder->schema;
    size_t count = json_array_size(json);

    if (count != schema->features)
        return json_refuse(decoder, 422, "expected %zu feature%s (%s), got %zu", schema->features,
                           schema->features == 1 ? "" : "s", list_names(schema).text, count);
    for (size_t i = 0; i < count; i++) {
        int rc = decode_value(decoder, i, json_array_get(json, i), &values[i]);

        if (rc < 0)
            return rc;
    }
    return 0;
}

static bool schema_has(const struct schema *schema, const char *name)
{
    return schema_find(schema, name) < schema->features;
}

/* Called when there are more members than known ones. Members are unique, so at most `features`
 * known ones come before the first unknown one, however long the body is. */
static int refuse_first_unknown(const struct json_decoder *decoder, json_t *json)
{
    const char *name;
    json_t *value;

    json_object_foreach (json, name, value)
        if (!schema_has(decoder->schema, name))
            break;
    return refuse_unknown(decoder, name);
}

static int decode_object(const struct json_decoder *decoder, json_t *json, struct value *values)
{
    const struct schema *schema = decoder->schema;
    size_t known = 0, absent = SIZE_MAX;

    for (size_t i = 0; i < schema->features; i++) {
        const json_t *value = json_object_get(json, schema->name[i]);
        int rc;

        if (value) {
            known++;
            rc = decode_value(decoder, i, value, &values[i]);
            if (rc < 0)
                return rc;
        } else {
            values[i] = value_missing();
            absent = absent == SIZE_MAX ? i : absent;
        }
    }
    if (known < json_object_size(json))
        return refuse_first_unknown(decoder, json);
    if (absent != SIZE_MAX && !may_miss(decoder))
        return json_refuse(decoder, 422, "feature \"%s\" is missing",
                           excerpt(schema->name[absent]).text);
    return 0;
}

int json_decode_features(const struct json_decoder *decoder, json_t *json, struct value *values)
{
    if (json_is_array(json))
        return decode_array(decoder, json, values);
    if (json_is_object(json))
        return decode_object(decoder, json, values);
    return json_refuse(decoder, 422, "%s must be an array or an object of features, got %s",
                       decoder->instance == JSON_NO_INSTANCE ? "\"features\"" : "an instance",
                       json_type_name(json));
}

int json_decode_id(const struct json_decoder *decoder, unsigned status, const json_t *json,
                   const char **ret_id, size_t *ret_bytes)
{
    if (!json || json_is_null(json))
        return 0;
    if (!json_is_string(json))
        return json_refuse(decoder, status, "\"id\" must be a string, got %s",
                           json_type_name(json));
    if (json_string_length(json) == 0 || json_string_length(json) > OBSERVATION_ID_MAX_BYTES)
        return json_refuse(decoder, status, "\"id\" must have 1 to %d bytes, got %zu",
                           OBSERVATION_ID_MAX_BYTES, json_string_length(json));
    *ret_id = json_string_value(json);
    *ret_bytes = json_string_length(json);
    return 0;
}

/* {"features": ..., "id": ...} */
static int decode_wrapped(const struct json_decoder *decoder, const json_t *object,
                          json_t *features, struct row *row)
{
    int rc = json_decode_id(decoder, 422, json_object_get(object, "id"), &row->id, &row->id_bytes);

    return rc < 0 ? rc : json_decode_features(decoder, features, row->value);
}

static int decode_instance(const struct json_decoder *decoder, json_t *json, bool may_wrap,
                           struct row *row)
{
    json_t *features = may_wrap ? json_object_get(json, "features") : NULL;

    if (json_is_array(features) || json_is_object(features))
        return decode_wrapped(decoder, json, features, row);
    return json_decode_features(decoder, json, row->value);
}

static int decode_single(const struct json_decoder *decoder, const json_t *root, json_t *features,
                         struct input_request *request)
{
    request->count = 1;
    request->inline_row = (struct row){.value = request->inline_values};
    request->rows = &request->inline_row;
    if (decoder->schema->features > INPUT_INLINE_FEATURES) {
        request->rows = rows_create(1, decoder->schema->features);
        if (!request->rows)
            return -ENOMEM;
    }
    return decode_wrapped(decoder, root, features, request->rows);
}

static int decode_batch(struct json_decoder *decoder, const json_t *instances, size_t max_instances,
                        struct input_request *request)
{
    bool may_wrap = !schema_has(decoder->schema, "features");
    size_t count = json_array_size(instances);

    if (!json_is_array(instances))
        return json_refuse(decoder, 422, "\"instances\" must be an array, got %s",
                           json_type_name(instances));
    if (count == 0)
        return json_refuse(decoder, 422, "\"instances\" is empty; at least one is expected");
    if (count > max_instances)
        return json_refuse(decoder, 413, "too many instances: %zu, at most %zu in one request",
                           count, max_instances);
    request->rows = rows_create(count, decoder->schema->features);
    if (!request->rows)
        return -ENOMEM;
    request->count = count;
    request->batch = true;
    for (size_t i = 0; i < count; i++) {
        int rc;

        decoder->instance = i;
        rc = decode_instance(decoder, json_array_get(instances, i), may_wrap, &request->rows[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int decode_request(struct json_decoder *decoder, const json_t *root, size_t max_instances,
                          struct input_request *request)
{
    json_t *features = json_object_get(root, "features");
    json_t *instances = json_object_get(root, "instances");

    if (features && instances)
        return json_refuse(decoder, 422, "\"features\" and \"instances\" exclude each other");
    if (features)
        return decode_single(decoder, root, features, request);
    if (!instances)
        return json_refuse(decoder, 422, "\"features\" or \"instances\" is missing");
    if (json_object_get(root, "id"))
        return json_refuse(decoder, 422,
                           "\"id\" belongs beside \"features\" in an instance, not beside "
                           "\"instances\"");
    return decode_batch(decoder, instances, max_instances, request);
}

static bool decode_quick(const char *body, size_t bytes, const struct schema *schema,
                         struct input_request *request)
{
    request->inline_row.value = request->inline_values;
    if (!json_quick_row(body, bytes, schema, &request->inline_row))
        return false;
    request->rows = &request->inline_row;
    request->count = 1;
    request->batch = false;
    request->document = NULL;
    return true;
}

int input_predict_decode(const char *body, size_t bytes, const struct schema *schema,
                         size_t max_instances, struct input_request *ret_request,
                         struct input_error *ret_error)
{
    if (decode_quick(body, bytes, schema, ret_request))
        return 0;
    struct json_decoder decoder = {
        .schema = schema, .instance = JSON_NO_INSTANCE, .error = ret_error};
    json_t *root;
    int rc = json_load_object(&decoder, body, bytes, &root);

    if (rc < 0)
        return rc;
    ret_request->rows = NULL;
    ret_request->count = 0;
    ret_request->batch = false;
    ret_request->document = root;
    rc = decode_request(&decoder, root, max_instances, ret_request);
    if (rc < 0)
        input_request_finish(ret_request);
    return rc;
}

void input_request_finish(struct input_request *request)
{
    if (request->rows != &request->inline_row)
        free(request->rows);
    json_limit_release(request->document);
    request->rows = NULL;
    request->document = NULL;
    request->count = 0;
}
