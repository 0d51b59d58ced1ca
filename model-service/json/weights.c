/* weights.c - the weights of a logistic model, from a JSON file. */
#include "json/weights.h"

#include "text/excerpt.h"
#include "json/body.h"
#include "json/limit.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest part of a sentence that follows the place: a few words and an excerpt or two. */
#define SENTENCE_BYTES 400

struct reader {
    const char *path;
    struct error *error;
    char key[160];
};

/* "PATH: KEY: ..."; returns -EINVAL. */
static int __attribute__((format(printf, 2, 3)))
refuse(const struct reader *reader, const char *format, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    return error_set(reader->error, -EINVAL, "%s: %s%s%s", excerpt_path(reader->path).text,
                     reader->key, reader->key[0] ? ": " : "", sentence);
}

static void __attribute__((format(printf, 2, 3)))
set_key(struct reader *reader, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reader->key, sizeof(reader->key), format, arguments);
    va_end(arguments);
}

static int read_number(const struct reader *reader, const json_t *value, double *ret_number)
{
    if (!value)
        return refuse(reader, "missing, expected a number");
    if (!json_is_real(value))
        return refuse(reader, "found %s, expected a number", json_type_name(value));
    *ret_number = json_real_value(value);
    return 0;
}

static int read_text(const struct reader *reader, const json_t *value, const char **ret_text)
{
    if (!value)
        return refuse(reader, "missing, expected a string");
    if (!json_is_string(value))
        return refuse(reader, "found %s, expected a string", json_type_name(value));
    *ret_text = json_string_value(value);
    return 0;
}

/* Members that no reader looks at are misspelt. allowed: NULL-terminated. */
static int check_members(struct reader *reader, json_t *object, const char *const *allowed)
{
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        size_t i = 0;

        while (allowed[i] && strcmp(allowed[i], name) != 0)
            i++;
        if (!allowed[i])
            return refuse(reader, "unknown member \"%s\"", excerpt(name).text);
    }
    return 0;
}

static int read_categories(struct reader *reader, size_t index, json_t *object,
                           struct weights_feature *feature)
{
    const char *name;
    json_t *value;

    set_key(reader, "features[%zu].categories", index);
    if (!json_is_object(object))
        return refuse(reader, "found %s, expected an object of numbers", json_type_name(object));
    feature->categories = calloc(json_object_size(object) + 1, sizeof(*feature->categories));
    if (!feature->categories)
        return -ENOMEM;
    json_object_foreach (object, name, value) {
        struct weights_category *category = &feature->categories[feature->category_count++];

        category->name = name;
        set_key(reader, "features[%zu].categories.%s", index, excerpt(name).text);
        if (read_number(reader, value, &category->weight) < 0)
            return -EINVAL;
    }
    return 0;
}

static int read_optional(struct reader *reader, size_t index, json_t *object, const char *member,
                         double *number)
{
    const json_t *value = json_object_get(object, member);

    set_key(reader, "features[%zu].%s", index, member);
    return value ? read_number(reader, value, number) : 0;
}

static int read_categorical(struct reader *reader, size_t index, json_t *object,
                            struct weights_feature *feature)
{
    static const char *const members[] = {"name", "categories", "other", "missing_weight", NULL};
    int rc = check_members(reader, object, members);

    feature->categorical = true;
    if (rc == 0)
        rc = read_categories(reader, index, json_object_get(object, "categories"), feature);
    if (rc < 0 || read_optional(reader, index, object, "other", &feature->other) < 0)
        return rc < 0 ? rc : -EINVAL;
    feature->missing_weight = feature->other;
    return read_optional(reader, index, object, "missing_weight", &feature->missing_weight);
}

static int read_numeric(struct reader *reader, size_t index, json_t *object,
                        struct weights_feature *feature)
{
    static const char *const members[] = {"name", "weight", "mean", "scale", "missing", NULL};
    int rc = check_members(reader, object, members);

    if (rc < 0)
        return rc;
    set_key(reader, "features[%zu].weight", index);
    if (read_number(reader, json_object_get(object, "weight"), &feature->weight) < 0 ||
        read_optional(reader, index, object, "mean", &feature->mean) < 0 ||
        read_optional(reader, index, object, "missing", &feature->missing) < 0 ||
        read_optional(reader, index, object, "scale", &feature->scale) < 0)
        return -EINVAL;
    if (feature->scale <= 0.0)
        return refuse(reader, "found %g, expected a number above 0", feature->scale);
    return 0;
}

static int read_feature(struct reader *reader, const struct weights_file *file, size_t index,
                        json_t *object)
{
    struct weights_feature *feature = &file->features[index];

    *feature = (struct weights_feature){.scale = 1.0, .missing = NAN};
    set_key(reader, "features[%zu]", index);
    if (!json_is_object(object))
        return refuse(reader, "found %s, expected an object", json_type_name(object));
    set_key(reader, "features[%zu].name", index);
    if (read_text(reader, json_object_get(object, "name"), &feature->name) < 0)
        return -EINVAL;
    set_key(reader, "features[%zu]", index);
    return json_object_get(object, "categories") ? read_categorical(reader, index, object, feature)
                                                 : read_numeric(reader, index, object, feature);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_names(struct reader *reader, const struct weights_file *file)
{
    const char **names = calloc(file->feature_count, sizeof(*names));
    int rc = 0;

    if (!names)
        return -ENOMEM;
    for (size_t i = 0; i < file->feature_count; i++)
        names[i] = file->features[i].name;
    qsort(names, file->feature_count, sizeof(*names), by_name);
    set_key(reader, "features");
    for (size_t i = 1; i < file->feature_count && rc == 0; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            rc = refuse(reader, "\"%s\" is there twice", excerpt(names[i]).text);
    free(names);
    return rc;
}

static int read_features(struct reader *reader, json_t *array, struct weights_file *file)
{
    const size_t count = json_array_size(array);

    set_key(reader, "features");
    if (!array)
        return refuse(reader, "missing, expected an array of features");
    if (!json_is_array(array) || count == 0)
        return refuse(reader, "found %s, expected an array of features",
                      json_is_array(array) ? "an empty one" : json_type_name(array));
    file->features = calloc(count, sizeof(*file->features));
    if (!file->features)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int rc;

        file->feature_count = i + 1;
        rc = read_feature(reader, file, i, json_array_get(array, i));
        if (rc < 0)
            return rc;
    }
    return check_names(reader, file);
}

static int read_classes(struct reader *reader, json_t *array, struct weights_file *file)
{
    set_key(reader, "classes");
    if (!array)
        return 0;
    if (!json_is_array(array) || json_array_size(array) != 2)
        return refuse(reader, "expected an array of two names");
    if (read_text(reader, json_array_get(array, 0), &file->classes[0]) < 0 ||
        read_text(reader, json_array_get(array, 1), &file->classes[1]) < 0)
        return -EINVAL;
    if (strcmp(file->classes[0], file->classes[1]) == 0)
        return refuse(reader, "both are \"%s\", expected two names",
                      excerpt(file->classes[0]).text);
    return 0;
}

static int read_document(struct reader *reader, json_t *root, struct weights_file *file)
{
    static const char *const members[] = {"intercept", "classes", "features", NULL};
    int rc;

    if (!json_is_object(root))
        return refuse(reader, "found %s, expected an object", json_type_name(root));
    rc = check_members(reader, root, members);
    if (rc < 0)
        return rc;
    set_key(reader, "intercept");
    rc = read_number(reader, json_object_get(root, "intercept"), &file->intercept);
    if (rc == 0)
        rc = read_classes(reader, json_object_get(root, "classes"), file);
    return rc < 0 ? rc : read_features(reader, json_object_get(root, "features"), file);
}

static int refuse_syntax(const struct reader *reader, const json_error_t *error)
{
    return error_set(reader->error, -EINVAL, "%s:%d:%d: malformed JSON: %s",
                     excerpt_path(reader->path).text, error->line, error->column, error->text);
}

int weights_decode(const char *path, const char *text, size_t bytes, struct weights_file *ret_file,
                   struct error *error)
{
    struct reader reader = {.path = path, .error = error};
    struct weights_file file = {0};
    json_error_t json_error;
    bool too_large;
    int rc;

    if (json_is_blank(text, bytes))
        return refuse(&reader, "empty, expected a JSON object");
    json_t *root = json_limit_load(
        text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY,
        &json_error, &too_large);
    if (too_large)
        return refuse(&reader, "has too many values");
    if (!root)
        return json_error_code(&json_error) == json_error_out_of_memory || !json_error.text[0]
                   ? -ENOMEM
                   : refuse_syntax(&reader, &json_error);
    file.document = root;
    /* the JSON library passes over a NUL byte that follows a number */
    rc = memchr(text, '\0', bytes) ? refuse(&reader, "malformed JSON: a NUL byte")
                                   : read_document(&reader, root, &file);
    if (rc < 0) {
        weights_finish(&file);
        return rc;
    }
    *ret_file = file;
    return 0;
}

/* The file's bytes, to be freed. */
static int read_file(const struct reader *reader, char **ret_text, size_t *ret_bytes)
{
    FILE *stream = fopen(reader->path, "rbe");
    size_t room = 0, used = 0;
    char *text = NULL;
    int rc = stream ? 0 : -errno;

    while (rc == 0) {
        char *more = realloc(text, room = room ? room * 2 : 1 << 16);

        rc = more ? 0 : -ENOMEM;
        if (rc < 0)
            break;
        text = more;
        used += fread(text + used, 1, room - used, stream);
        if (ferror(stream))
            rc = errno ? -errno : -EIO;
        else if (used > WEIGHTS_MAX_BYTES)
            rc = -EFBIG;
        if (used < room)
            break;
    }
    if (stream)
        fclose(stream);
    if (rc < 0) {
        free(text);
        error_set(reader->error, rc, "%s: %s", excerpt_path(reader->path).text, strerror(-rc));
        return rc;
    }
    *ret_text = text;
    *ret_bytes = used;
    return 0;
}

int weights_load(const char *path, struct weights_file *ret_file, struct error *error)
{
    const struct reader reader = {.path = path, .error = error};
    char *text;
    size_t bytes;
    int rc = read_file(&reader, &text, &bytes);

    if (rc < 0)
        return rc;
    rc = weights_decode(path, text, bytes, ret_file, error);
    free(text);
    return rc;
}

void weights_finish(struct weights_file *file)
{
    for (size_t i = 0; file->features && i < file->feature_count; i++)
        free(file->features[i].categories);
    free(file->features);
    json_limit_release(file->document);
    *file = (struct weights_file){0};
}
