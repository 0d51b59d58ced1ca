/* silence.c - a silence from a page's request and the alert that it is about. */
#include "json/silence.h"

#include "json/body.h"
#include "json/limit.h"

#include "text/excerpt.h"
#include "text/timestamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct silence {
    const char *alert, *author, *comment;
    int64_t seconds;
};

bool json_text_is_valid(const char *text, size_t bytes)
{
    bool too_large;
    json_error_t error;
    json_t *document = json_limit_load(text, bytes, 0, &error, &too_large);
    json_limit_release(document);
    return document != NULL;
}

static int decode_text(const struct json_decoder *decoder, const char *name, const json_t *value,
                       const char **ret_text)
{
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) > SILENCE_TEXT_BYTES)
        return json_refuse(decoder, 422, "\"%s\" must be a text of 1 to %d bytes, got %s", name,
                           SILENCE_TEXT_BYTES,
                           json_is_string(value) ? "another length" : json_type_name(value));
    *ret_text = json_string_value(value);
    return 0;
}

static int decode_member(const struct json_decoder *decoder, const char *name, const json_t *value,
                         struct silence *silence)
{
    if (strcmp(name, "alert") == 0)
        return decode_text(decoder, name, value, &silence->alert);
    if (strcmp(name, "author") == 0)
        return decode_text(decoder, name, value, &silence->author);
    if (strcmp(name, "comment") == 0)
        return decode_text(decoder, name, value, &silence->comment);
    if (strcmp(name, "seconds") != 0)
        return json_refuse(decoder, 422,
                           "unknown member \"%s\"; known are alert, author, comment, seconds",
                           excerpt(name).text);
    const double seconds = json_is_real(value) ? json_real_value(value) : 0;
    if (!(seconds >= 1 && seconds <= SILENCE_MOST_SECONDS))
        return json_refuse(decoder, 422, "\"seconds\" must be a number from 1 to %u",
                           SILENCE_MOST_SECONDS);
    silence->seconds = (int64_t)seconds;
    return 0;
}

static int decode(const struct json_decoder *decoder, json_t *root, struct silence *silence)
{
    const char *name;
    json_t *value;
    *silence = (struct silence){.comment = "from the dashboard"};
    json_object_foreach (root, name, value) {
        const int rc = decode_member(decoder, name, value, silence);
        if (rc < 0)
            return rc;
    }
    if (!silence->alert || !silence->author || silence->seconds == 0)
        return json_refuse(decoder, 422, "\"alert\", \"author\" and \"seconds\" are needed");
    return 0;
}

/* Borrowed from alerts; NULL if it is not there. */
static const json_t *labels_of(const json_t *alerts, const char *fingerprint)
{
    for (size_t i = 0; i < json_array_size(alerts); i++) {
        const json_t *alert = json_array_get(alerts, i);
        const char *found = json_string_value(json_object_get(alert, "fingerprint"));
        if (found && strcmp(found, fingerprint) == 0)
            return json_object_get(alert, "labels");
    }
    return NULL;
}

/* NULL if allocation fails; the caller's. */
static json_t *matchers_of(const json_t *labels)
{
    const char *name;
    json_t *value, *matchers = json_array();
    json_object_foreach ((json_t *)labels, name, value) {
        json_t *matcher = json_pack("{s:s, s:s, s:b, s:b}", "name", name, "value",
                                    json_is_string(value) ? json_string_value(value) : "",
                                    "isRegex", 0, "isEqual", 1);
        if (!matcher || json_array_append_new(matchers, matcher) < 0) {
            json_decref(matchers);
            return NULL;
        }
    }
    return matchers;
}

static int write_silence(const struct silence *silence, const json_t *labels, int64_t now_ms,
                         struct buffer *out)
{
    char begin[TIMESTAMP_BYTES], end[TIMESTAMP_BYTES];
    timestamp_format(now_ms, begin);
    timestamp_format(now_ms + silence->seconds * 1000, end);
    json_t *document =
        json_pack("{s:o, s:s, s:s, s:s, s:s}", "matchers", matchers_of(labels), "startsAt", begin,
                  "endsAt", end, "createdBy", silence->author, "comment", silence->comment);
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    if (text)
        buffer_append_text(out, text);
    free(text);
    json_decref(document);
    return text ? 0 : -ENOMEM;
}

int silence_of_body(const char *body, size_t bytes, const char *alerts, size_t alerts_bytes,
                    int64_t now_ms, struct buffer *out, struct input_error *ret_error)
{
    const struct json_decoder decoder = {.instance = JSON_NO_INSTANCE, .error = ret_error};
    struct json_decoder reading = decoder;
    struct silence silence;
    bool too_large;
    json_error_t error;
    json_t *root;
    int rc = json_load_object(&reading, body, bytes, &root);
    if (rc < 0)
        return rc;
    json_t *known = json_limit_load(alerts, alerts_bytes, 0, &error, &too_large);
    rc = decode(&decoder, root, &silence);
    if (rc == 0) {
        const json_t *labels = labels_of(known, silence.alert);
        if (json_object_size(labels) > 0)
            rc = write_silence(&silence, labels, now_ms, out);
        else
            rc = json_refuse(&decoder, 404, "the alert does not fire any more");
    }
    json_limit_release(known);
    json_limit_release(root);
    return rc;
}
