/* labels.c - bodies with labels. */
#include "json/labels.h"

#include "text/excerpt.h"
#include "json/body.h"
#include "json/limit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int decode_batch(const struct json_decoder *decoder, const char *name, json_t *elements,
                        size_t max_labels, struct input_labels *labels)
{
    const size_t count = json_array_size(elements);

    if (!json_is_array(elements))
        return json_refuse(decoder, 422, "\"%s\" must be an array, got %s", name,
                           json_type_name(elements));
    if (count == 0)
        return json_refuse(decoder, 422, "\"%s\" is empty; at least one label is expected", name);
    if (count > max_labels)
        return json_refuse(decoder, 413, "too many labels: %zu, at most %zu in one request", count,
                           max_labels);
    labels->count = count;
    labels->batch = true;
    labels->elements = elements;
    return 0;
}

/* Any other member is misspelt, and ignoring it would lose a label. known: NULL-terminated. */
static int check_members(const struct json_decoder *decoder, const json_t *object,
                         const char *const *known, const char *words)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)object, name, value) {
        size_t i = 0;

        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (!known[i])
            return json_refuse(decoder, 422, "unknown member \"%s\"; %s", excerpt(name).text,
                               words);
    }
    return 0;
}

static int decode_forms(const struct json_decoder *decoder, json_t *root, size_t max_labels,
                        struct input_labels *labels)
{
    json_t *batch = json_object_get(root, "labels");
    json_t *instances = json_object_get(root, "instances");
    const bool single = json_object_get(root, "label") || json_object_get(root, "id");

    if ((batch != NULL) + (instances != NULL) + single > 1)
        return json_refuse(decoder, 422,
                           "\"label\", \"labels\" and \"instances\" exclude each other");
    if (!batch && !instances && !single)
        return json_refuse(decoder, 422, "\"label\" or \"labels\" is missing");
    if (batch || instances) {
        static const char *const known[] = {"labels", "instances", NULL};
        int rc =
            check_members(decoder, root, known, "the array of labels stands alone in its object");

        return rc < 0 ? rc
                      : decode_batch(decoder, batch ? "labels" : "instances",
                                     batch ? batch : instances, max_labels, labels);
    }
    labels->count = 1;
    return 0;
}

int input_labels_decode(const char *body, size_t bytes, size_t max_labels,
                        struct input_labels *ret_labels, struct input_error *ret_error)
{
    struct json_decoder decoder = {.instance = JSON_NO_INSTANCE, .error = ret_error};
    struct input_labels labels = {.count = 0};
    json_t *root;
    int rc = json_load_object(&decoder, body, bytes, &root);

    if (rc < 0)
        return rc;
    rc = decode_forms(&decoder, root, max_labels, &labels);
    if (rc < 0) {
        json_limit_release(root);
        return rc;
    }
    labels.document = root;
    *ret_labels = labels;
    return 0;
}

static int decode_id(const struct json_decoder *decoder, const json_t *id,
                     struct input_label *label)
{
    if (!id)
        return json_refuse(decoder, 422, "\"id\" is missing");
    if (json_is_null(id))
        return json_refuse(decoder, 422, "\"id\" must be a string, got null");
    return json_decode_id(decoder, 422, id, &label->id, &label->id_bytes);
}

static int decode_label(const struct json_decoder *decoder, const json_t *json,
                        struct input_label *label)
{
    if (!json)
        return json_refuse(decoder, 422, "\"label\" is missing");
    if (json_is_string(json))
        label->label = (struct value){
            .number = NAN, .text = json_string_value(json), .text_bytes = json_string_length(json)};
    else if (json_is_real(json))
        label->label = (struct value){.number = json_real_value(json)};
    else if (json_is_boolean(json))
        label->label = value_of_boolean(json_is_true(json));
    else
        return json_refuse(decoder, 422,
                           "\"label\" must be a string, a number or a boolean, got %s",
                           json_type_name(json));
    return 0;
}

int input_labels_get(const struct input_labels *labels, size_t index, struct input_label *ret_label,
                     struct input_error *ret_error)
{
    const struct json_decoder decoder = {.instance = JSON_NO_INSTANCE, .error = ret_error};
    const json_t *element =
        labels->batch ? json_array_get(labels->elements, index) : labels->document;
    struct input_label label;

    if (!json_is_object(element))
        return json_refuse(&decoder, 422, "a label must be an object, got %s",
                           json_type_name(element));
    static const char *const known[] = {"id", "label", NULL};
    int rc = check_members(&decoder, element, known, "a label has id, label");
    if (rc == 0)
        rc = decode_id(&decoder, json_object_get(element, "id"), &label);
    if (rc == 0)
        rc = decode_label(&decoder, json_object_get(element, "label"), &label);
    if (rc == 0)
        *ret_label = label;
    return rc;
}

void input_labels_finish(struct input_labels *labels)
{
    json_limit_release(labels->document);
    labels->document = NULL;
    labels->count = 0;
}
