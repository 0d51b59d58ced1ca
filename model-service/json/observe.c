/* observe.c - observations by way of the JSON library, and the reader of both ways. */
#include "json/observe.h"

#include "text/excerpt.h"
#include "text/timestamp.h"
#include "text/utf8.h"
#include "json/body.h"
#include "json/limit.h"
#include "json/observe_reader.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void observation_clear(struct observation *observation)
{
    observation->prediction = observation->label = (struct value){.number = NAN};
    observation->score = NAN;
    observation->id = NULL;
    observation->id_bytes = 0;
    observation->timestamp_ms = OBSERVATION_NO_TIME;
}

/* --- reader --- */

/* Whether a name stands between quotes as it is. */
static bool is_plain(const char *name, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == '"' || name[i] == '\\')
            return false;
    return utf8_is_valid(name, bytes);
}

int observation_reader_create(const struct schema *schema, struct observation_reader **ret_reader)
{
    const size_t features = schema->features;
    struct observation_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return -ENOMEM;
    reader->schema = schema;
    reader->names = calloc(features + 1, sizeof(*reader->names));
    reader->observation.value = calloc(features, sizeof(*reader->observation.value));
    if (!reader->names || !reader->observation.value) {
        observation_reader_destroy(reader);
        return -ENOMEM;
    }
    for (size_t f = 0; f < features; f++) {
        struct observed_name *name = &reader->names[f];
        name->text = schema->name[f];
        name->bytes = strlen(name->text);
        name->plain = is_plain(name->text, name->bytes);
        name->next = (uint32_t)((f + 1) % features);
    }
    *ret_reader = reader;
    return 0;
}

void observation_reader_destroy(struct observation_reader *reader)
{
    if (!reader)
        return;
    free(reader->names);
    free(reader->table);
    free(reader->observation.value);
    free(reader);
}

/* --- members --- */

static int decode_class(const struct json_decoder *decoder, const char *member, const json_t *json,
                        struct value *value)
{
    if (!json || json_is_null(json))
        return 0;
    if (json_is_real(json)) {
        value->number = json_real_value(json);
        return 0;
    }
    if (json_is_boolean(json)) {
        *value = value_of_boolean(json_is_true(json));
        return 0;
    }
    if (!json_is_string(json))
        return json_refuse(decoder, 422, "\"%s\" must be a string, a number or a boolean, got %s",
                           member, json_type_name(json));
    const size_t bytes = json_string_length(json);
    if (bytes == 0 || bytes > OBSERVATION_CLASS_MAX_BYTES)
        return json_refuse(decoder, 422, "\"%s\" must have 1 to %d bytes, got %zu", member,
                           OBSERVATION_CLASS_MAX_BYTES, bytes);
    value->text = json_string_value(json);
    value->text_bytes = bytes;
    return 0;
}

static int decode_score(const struct json_decoder *decoder, const json_t *json, double *ret_score)
{
    if (!json || json_is_null(json))
        return 0;
    if (!json_is_real(json))
        return json_refuse(decoder, 422, "\"score\" must be a number, got %s",
                           json_type_name(json));
    *ret_score = json_real_value(json);
    return 0;
}

static int decode_timestamp(const struct json_decoder *decoder, const json_t *json, int64_t *ret_ms)
{
    static const char expected[] =
        "\"timestamp\" must be an RFC 3339 date-time such as \"2026-01-31T12:00:00Z\", got";
    if (!json || json_is_null(json))
        return 0;
    if (!json_is_string(json))
        return json_refuse(decoder, 422, "%s %s", expected, json_type_name(json));
    if (!timestamp_parse(json_string_value(json), json_string_length(json), ret_ms))
        return json_refuse(decoder, 422, "%s \"%s\"", expected,
                           excerpt(json_string_value(json)).text);
    return 0;
}

static int refuse_unknown_member(const struct json_decoder *decoder, json_t *object)
{
    static const char *const known[] = {"features", "prediction", "score",
                                        "id",       "timestamp",  "label"};
    const char *name;
    json_t *value;
    json_object_foreach (object, name, value) {
        bool found = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found)
            return json_refuse(decoder, 422,
                               "unknown member \"%s\"; an observation has features, prediction, "
                               "score, id, timestamp, label",
                               excerpt(name).text);
    }
    return 0;
}

static int decode_members(const struct json_decoder *decoder, const json_t *object,
                          struct observation *observation)
{
    int rc = json_decode_id(decoder, 422, json_object_get(object, "id"), &observation->id,
                            &observation->id_bytes);
    if (rc == 0)
        rc = decode_class(decoder, "prediction", json_object_get(object, "prediction"),
                          &observation->prediction);
    if (rc == 0)
        rc = decode_class(decoder, "label", json_object_get(object, "label"), &observation->label);
    if (rc == 0)
        rc = decode_score(decoder, json_object_get(object, "score"), &observation->score);
    if (rc == 0)
        rc = decode_timestamp(decoder, json_object_get(object, "timestamp"),
                              &observation->timestamp_ms);
    return rc;
}

static int decode_observation(const struct json_decoder *decoder, json_t *object,
                              struct observation *observation)
{
    json_t *features = json_object_get(object, "features");
    observation_clear(observation);
    int rc = refuse_unknown_member(decoder, object);
    if (rc < 0)
        return rc;
    if (!features)
        return json_refuse(decoder, 422, "\"features\" is missing");
    rc = json_decode_features(decoder, features, observation->value);
    return rc < 0 ? rc : decode_members(decoder, object, observation);
}

/* --- lines and bodies --- */

static struct json_decoder decoder_of(const struct observation_reader *reader, bool one_line,
                                      struct input_error *error)
{
    return (struct json_decoder){.schema = reader->schema,
                                 .instance = JSON_NO_INSTANCE,
                                 .observing = true,
                                 .one_line = one_line,
                                 .error = error};
}

static const struct input_error out_of_memory = {.status = 503,
                                                 .detail = "not enough memory for this row"};

void observation_read_line(struct observation_reader *reader, uint64_t number, const char *text,
                           size_t bytes, observation_fn take, void *context)
{
    if (observation_quick(reader, text, bytes))
        take(context, number, &reader->observation, NULL);
    else
        observation_read_slowly(reader, number, text, bytes, take, context);
}

void observation_read_slowly(struct observation_reader *reader, uint64_t number, const char *text,
                             size_t bytes, observation_fn take, void *context)
{
    struct input_error error;
    json_t *root = NULL;
    struct json_decoder decoder = decoder_of(reader, true, &error);
    int rc = json_load_object(&decoder, text, bytes, &root);
    if (rc == 0)
        rc = decode_observation(&decoder, root, &reader->observation);
    if (rc == -ENOMEM)
        error = out_of_memory;
    take(context, number, rc < 0 ? NULL : &reader->observation, rc < 0 ? &error : NULL);
    if (root)
        json_limit_release(root);
}

static void read_instance(struct observation_reader *reader, size_t index, json_t *instance,
                          observation_fn take, void *context)
{
    struct input_error error;
    struct json_decoder decoder = decoder_of(reader, false, &error);
    int rc = json_is_object(instance)
                 ? decode_observation(&decoder, instance, &reader->observation)
                 : json_refuse(&decoder, 422,
                               "an instance must be an object with \"features\", "
                               "got %s",
                               json_type_name(instance));
    if (rc == -ENOMEM)
        error = out_of_memory;
    take(context, index, rc < 0 ? NULL : &reader->observation, rc < 0 ? &error : NULL);
}

static int read_batch(struct observation_reader *reader, json_t *root, size_t max_instances,
                      observation_fn take, void *context, struct input_error *error)
{
    const struct json_decoder decoder = decoder_of(reader, false, error);
    const json_t *instances = json_object_get(root, "instances");
    const size_t count = json_array_size(instances);
    if (!json_is_array(instances))
        return json_refuse(&decoder, 422, "\"instances\" must be an array, got %s",
                           json_type_name(instances));
    if (json_object_size(root) > 1)
        return json_refuse(&decoder, 422,
                           "\"instances\" stands alone in its object; everything "
                           "else belongs into an instance");
    if (count == 0)
        return json_refuse(&decoder, 422, "\"instances\" is empty; at least one is expected");
    if (count > max_instances)
        return json_refuse(&decoder, 413,
                           "too many instances: %zu, at most %zu in one request; "
                           "send application/x-ndjson for more",
                           count, max_instances);
    for (size_t i = 0; i < count; i++)
        read_instance(reader, i, json_array_get(instances, i), take, context);
    return 0;
}

int observation_read_body(struct observation_reader *reader, const char *body, size_t bytes,
                          size_t max_instances, observation_fn take, void *context,
                          struct input_error *ret_error)
{
    if (observation_quick(reader, body, bytes)) {
        take(context, 0, &reader->observation, NULL);
        return 0;
    }
    struct json_decoder decoder = decoder_of(reader, false, ret_error);
    json_t *root;
    int rc = json_load_object(&decoder, body, bytes, &root);
    if (rc < 0)
        return rc;
    if (json_object_get(root, "instances")) {
        rc = read_batch(reader, root, max_instances, take, context, ret_error);
    } else {
        rc = decode_observation(&decoder, root, &reader->observation);
        if (rc == 0)
            take(context, 0, &reader->observation, NULL);
    }
    json_limit_release(root);
    return rc;
}
