/* v2.c - the inference request of the Open Inference Protocol (V2) as typed rows. */
#include "json/v2.h"

#include "text/excerpt.h"
#include "json/body.h"
#include "json/limit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const v2_output_names[V2_OUTPUT_COUNT] = {
    [V2_PREDICTION] = "prediction",
    [V2_PREDICTION_CLASS] = "prediction_class",
};

/* --- types --- */

enum kind { KIND_REAL, KIND_INTEGER, KIND_BOOLEAN, KIND_BYTES };

static const struct datatype {
    const char *name;
    enum kind kind;
    double lowest, highest; /* of the integers */
} datatypes[] = {
    {"FP64", KIND_REAL, 0, 0},
    {"FP32", KIND_REAL, 0, 0},
    {"FP16", KIND_REAL, 0, 0},
    {"INT64", KIND_INTEGER, -0x1p63, 0x1p63},
    {"INT32", KIND_INTEGER, -0x1p31, 0x1p31 - 1},
    {"INT16", KIND_INTEGER, -0x1p15, 0x1p15 - 1},
    {"INT8", KIND_INTEGER, -128, 127},
    {"UINT64", KIND_INTEGER, 0, 0x1p64},
    {"UINT32", KIND_INTEGER, 0, 0x1p32 - 1},
    {"UINT16", KIND_INTEGER, 0, 0x1p16 - 1},
    {"UINT8", KIND_INTEGER, 0, 255},
    {"BOOL", KIND_BOOLEAN, 0, 0},
    {"BYTES", KIND_BYTES, 0, 0},
};

struct tensor {
    const char *name;
    const struct datatype *type;
    size_t rows, columns; /* columns 1 for the shape [n] */
    bool flat_shape;      /* [n] */
    json_t *data;
};

static int refuse_tensor(const struct json_decoder *decoder, const char *name, const char *what)
{
    return json_refuse(decoder, 400, "input \"%s\": %s", excerpt(name).text, what);
}

/* --- one tensor --- */

static int read_datatype(const struct json_decoder *decoder, const json_t *object,
                         struct tensor *tensor)
{
    const json_t *value = json_object_get(object, "datatype");

    for (size_t i = 0; json_is_string(value) && i < sizeof(datatypes) / sizeof(datatypes[0]); i++)
        if (strcmp(datatypes[i].name, json_string_value(value)) == 0) {
            tensor->type = &datatypes[i];
            return 0;
        }
    return refuse_tensor(decoder, tensor->name,
                         "\"datatype\" must be BOOL, UINT8 to UINT64, INT8 to INT64, FP16 to FP64 "
                         "or BYTES");
}

/* A dimension as a size; false: none. */
static bool read_dimension(const json_t *value, size_t *ret_size)
{
    const double number = json_is_real(value) ? json_real_value(value) : -1;

    if (number < 0 || number > 0x1p53 || number != floor(number))
        return false;
    *ret_size = (size_t)number;
    return true;
}

static int read_shape(const struct json_decoder *decoder, const json_t *object,
                      struct tensor *tensor)
{
    const json_t *shape = json_object_get(object, "shape");
    const size_t rank = json_array_size(shape);

    tensor->columns = 1;
    tensor->flat_shape = rank == 1;
    if (rank < 1 || rank > 2 || !read_dimension(json_array_get(shape, 0), &tensor->rows) ||
        (rank == 2 && !read_dimension(json_array_get(shape, 1), &tensor->columns)))
        return refuse_tensor(decoder, tensor->name,
                             "\"shape\" must be an array of one or two whole numbers");
    return 0;
}

/* A member that may be left out, for which null stands too; NULL: it is not there. */
static json_t *optional(const json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);

    return json_is_null(member) ? NULL : member;
}

/* What an extension of the protocol would put in place of "data". */
static int check_parameters(const struct json_decoder *decoder, const json_t *object,
                            const struct tensor *tensor)
{
    const json_t *parameters = optional(object, "parameters");
    const json_t *content = json_object_get(parameters, "content_type");

    if (parameters && !json_is_object(parameters))
        return refuse_tensor(decoder, tensor->name, "\"parameters\" must be an object");
    if (optional(parameters, "binary_data_size"))
        return refuse_tensor(decoder, tensor->name,
                             "the binary tensor extension is not supported; send \"data\" as JSON");
    if (optional(parameters, "shared_memory_region"))
        return refuse_tensor(decoder, tensor->name,
                             "shared memory is not supported; send \"data\" as JSON");
    if (json_is_string(content) && strcmp(json_string_value(content), "base64") == 0)
        return refuse_tensor(decoder, tensor->name,
                             "base64 is not supported; send \"data\" as numbers or strings");
    return 0;
}

/* Flat, or nested as the shape says. The rows are checked here, the values when they are read. */
static int check_data(const struct json_decoder *decoder, const struct tensor *tensor)
{
    const size_t count = json_array_size(tensor->data);
    const bool nested = json_is_array(json_array_get(tensor->data, 0));

    if (!json_is_array(tensor->data))
        return refuse_tensor(decoder, tensor->name, "\"data\" must be an array");
    if (nested ? tensor->flat_shape || count != tensor->rows
               : tensor->columns != 0 &&
                     (count / tensor->columns != tensor->rows || count % tensor->columns != 0))
        return refuse_tensor(decoder, tensor->name, "\"data\" does not have the size of \"shape\"");
    for (size_t i = 0; nested && i < count; i++)
        if (json_array_size(json_array_get(tensor->data, i)) != tensor->columns)
            return refuse_tensor(decoder, tensor->name,
                                 "\"data\" does not have the size of \"shape\"");
    return 0;
}

static int read_tensor(const struct json_decoder *decoder, const json_t *object,
                       struct tensor *tensor)
{
    const json_t *name = json_object_get(object, "name");
    int rc;

    if (!json_is_object(object) || !json_is_string(name))
        return json_refuse(decoder, 400, "an input must be an object with a \"name\"");
    *tensor =
        (struct tensor){.name = json_string_value(name), .data = json_object_get(object, "data")};
    rc = check_parameters(decoder, object, tensor);
    if (rc == 0)
        rc = read_datatype(decoder, object, tensor);
    if (rc == 0)
        rc = read_shape(decoder, object, tensor);
    return rc < 0 ? rc : check_data(decoder, tensor);
}

static const json_t *element(const struct tensor *tensor, size_t row, size_t column)
{
    const json_t *first = json_array_get(tensor->data, row);

    return json_is_array(json_array_get(tensor->data, 0))
               ? json_array_get(first, column)
               : json_array_get(tensor->data, row * tensor->columns + column);
}

/* --- values --- */

static bool number_fits(const struct datatype *type, const json_t *json)
{
    const double number = json_real_value(json);

    if (!json_is_real(json))
        return false;
    return type->kind == KIND_REAL || (type->kind == KIND_INTEGER && number == floor(number) &&
                                       number >= type->lowest && number <= type->highest);
}

static int read_value(const struct json_decoder *decoder, const struct tensor *tensor, size_t row,
                      size_t feature, const json_t *json, struct value *value)
{
    const enum kind kind = tensor->type->kind;

    if (json_is_null(json) && schema_may_be_null(decoder->schema, feature))
        *value = value_missing();
    else if (kind == KIND_BYTES && json_is_string(json))
        *value = value_of_text(json_string_value(json), json_string_length(json));
    else if (kind == KIND_BOOLEAN && json_is_boolean(json))
        *value = decoder->schema->categorical[feature]
                     ? value_of_boolean(json_is_true(json))
                     : (struct value){.number = json_is_true(json)};
    else if (number_fits(tensor->type, json))
        *value = (struct value){.number = json_real_value(json)};
    else
        return json_refuse(decoder, 400, "input \"%s\": row %zu of \"%s\" is not %s, got %s",
                           excerpt(tensor->name).text, row,
                           excerpt(decoder->schema->name[feature]).text, tensor->type->name,
                           json_is_real(json) ? "another number" : json_type_name(json));
    return 0;
}

/* The tensor's type must suit the feature, also where every value is null. */
static int check_kind(const struct json_decoder *decoder, const struct tensor *tensor,
                      size_t feature)
{
    const bool categorical = decoder->schema->categorical[feature];

    if (tensor->type->kind == KIND_BOOLEAN || categorical == (tensor->type->kind == KIND_BYTES))
        return 0;
    return json_refuse(decoder, 400, "input \"%s\": feature \"%s\" is %s and cannot be %s",
                       excerpt(tensor->name).text, excerpt(decoder->schema->name[feature]).text,
                       categorical ? "categorical, its datatype is BYTES or BOOL," : "numeric",
                       tensor->type->name);
}

static int read_column(const struct json_decoder *decoder, const struct tensor *tensor,
                       size_t column, size_t feature, struct v2_request *request)
{
    int rc = check_kind(decoder, tensor, feature);

    for (size_t row = 0; rc == 0 && row < tensor->rows; row++)
        rc = read_value(decoder, tensor, row, feature, element(tensor, row, column),
                        &request->rows[row].value[feature]);
    return rc;
}

/* --- rows --- */

static int rows_allocate(const struct json_decoder *decoder, size_t rows, size_t max_rows,
                         struct v2_request *request)
{
    if (rows == 0)
        return json_refuse(decoder, 400, "the inputs have no rows; at least one is expected");
    if (rows > max_rows)
        return json_refuse(decoder, 413, "too many rows: %zu, at most %zu in one request", rows,
                           max_rows);
    request->rows = rows_create(rows, decoder->schema->features);
    if (!request->rows)
        return -ENOMEM;
    request->count = rows;
    return 0;
}

static int read_matrix(const struct json_decoder *decoder, const struct tensor *tensor,
                       size_t max_rows, struct v2_request *request)
{
    const size_t features = decoder->schema->features;
    int rc;

    if (tensor->flat_shape || tensor->columns != features)
        return json_refuse(decoder, 400,
                           "input \"%s\": its shape must be [n, %zu], a column for each feature, "
                           "or there must be an input for each feature",
                           excerpt(tensor->name).text, features);
    rc = rows_allocate(decoder, tensor->rows, max_rows, request);
    for (size_t f = 0; rc == 0 && f < features; f++)
        rc = read_column(decoder, tensor, f, f, request);
    return rc;
}

static int read_feature(const struct json_decoder *decoder, const struct tensor *tensor,
                        size_t max_rows, bool *seen, struct v2_request *request)
{
    const size_t feature = schema_find(decoder->schema, tensor->name);
    int rc = 0;

    if (feature == decoder->schema->features)
        return refuse_tensor(decoder, tensor->name, "the model has no feature of this name");
    if (seen[feature])
        return refuse_tensor(decoder, tensor->name, "is there twice");
    if (tensor->columns != 1)
        return refuse_tensor(decoder, tensor->name, "its shape must be [n] or [n, 1]");
    if (!request->rows)
        rc = rows_allocate(decoder, tensor->rows, max_rows, request);
    if (rc == 0 && tensor->rows != request->count)
        rc = json_refuse(decoder, 400, "input \"%s\" has %zu rows, those before it have %zu",
                         excerpt(tensor->name).text, tensor->rows, request->count);
    seen[feature] = true;
    return rc < 0 ? rc : read_column(decoder, tensor, 0, feature, request);
}

static int read_features(const struct json_decoder *decoder, json_t *inputs, size_t max_rows,
                         bool *seen, struct v2_request *request)
{
    const struct schema *schema = decoder->schema;

    for (size_t i = 0; i < json_array_size(inputs); i++) {
        struct tensor tensor;
        int rc = read_tensor(decoder, json_array_get(inputs, i), &tensor);

        if (rc == 0)
            rc = read_feature(decoder, &tensor, max_rows, seen, request);
        if (rc < 0)
            return rc;
    }
    for (size_t f = 0; f < schema->features; f++)
        if (!seen[f])
            return json_refuse(decoder, 400, "there is no input for the feature \"%s\"",
                               excerpt(schema->name[f]).text);
    return 0;
}

static int read_inputs(const struct json_decoder *decoder, json_t *inputs, size_t max_rows,
                       struct v2_request *request)
{
    struct tensor tensor;
    bool *seen;
    int rc;

    if (!inputs)
        return json_refuse(decoder, 400, "\"inputs\" is missing");
    if (!json_is_array(inputs))
        return json_refuse(decoder, 400, "\"inputs\" must be an array of tensors, got %s",
                           json_type_name(inputs));
    if (json_array_size(inputs) == 0)
        return json_refuse(decoder, 400,
                           "\"inputs\" is empty; it must have a tensor for each feature, or one "
                           "of the shape [n, %zu]",
                           decoder->schema->features);
    if (json_array_size(inputs) == 1) {
        rc = read_tensor(decoder, json_array_get(inputs, 0), &tensor);
        if (rc < 0)
            return rc;
        /* one input with a feature's name is that feature's, unless its shape is that of a row */
        if (schema_find(decoder->schema, tensor.name) == decoder->schema->features ||
            tensor.columns > 1)
            return read_matrix(decoder, &tensor, max_rows, request);
    }
    seen = calloc(decoder->schema->features, sizeof(*seen));
    if (!seen)
        return -ENOMEM;
    rc = read_features(decoder, inputs, max_rows, seen, request);
    free(seen);
    return rc;
}

/* --- the other members --- */

static int read_output(const struct json_decoder *decoder, const json_t *output, bool has_class,
                       struct v2_request *request)
{
    const json_t *name = json_object_get(output, "name");
    const char *text = json_is_string(name) ? json_string_value(name) : "";
    enum v2_output found = V2_OUTPUT_COUNT;

    if (strcmp(text, v2_output_names[V2_PREDICTION]) == 0)
        found = V2_PREDICTION;
    else if (has_class && strcmp(text, v2_output_names[V2_PREDICTION_CLASS]) == 0)
        found = V2_PREDICTION_CLASS;
    if (found == V2_OUTPUT_COUNT)
        return json_refuse(decoder, 400, "the model has no output \"%s\", expected %s",
                           excerpt(text).text,
                           has_class ? "prediction or prediction_class" : "prediction");
    for (size_t i = 0; i < request->output_count; i++)
        if (request->outputs[i] == found)
            return json_refuse(decoder, 400, "the output \"%s\" is asked for twice", text);
    request->outputs[request->output_count++] = found;
    return 0;
}

static int read_outputs(const struct json_decoder *decoder, json_t *outputs, bool has_class,
                        struct v2_request *request)
{
    if (!outputs || (json_is_array(outputs) && json_array_size(outputs) == 0)) {
        request->outputs[request->output_count++] = V2_PREDICTION;
        if (has_class)
            request->outputs[request->output_count++] = V2_PREDICTION_CLASS;
        return 0;
    }
    if (!json_is_array(outputs))
        return json_refuse(decoder, 400, "\"outputs\" must be an array");
    for (size_t i = 0; i < json_array_size(outputs); i++) {
        int rc = read_output(decoder, json_array_get(outputs, i), has_class, request);

        if (rc < 0)
            return rc;
    }
    return 0;
}

int v2_request_decode(const char *body, size_t bytes, const struct schema *schema, bool has_class,
                      size_t max_rows, struct v2_request *ret_request,
                      struct input_error *ret_error)
{
    struct json_decoder decoder = {
        .schema = schema, .instance = JSON_NO_INSTANCE, .tensors = true, .error = ret_error};
    json_t *root;
    int rc = json_load_object(&decoder, body, bytes, &root);

    if (rc < 0)
        return rc;
    *ret_request = (struct v2_request){.document = root};
    if (optional(root, "parameters") && !json_is_object(optional(root, "parameters")))
        rc = json_refuse(&decoder, 400, "\"parameters\" must be an object");
    if (rc == 0)
        rc = json_decode_id(&decoder, 400, json_object_get(root, "id"), &ret_request->id,
                            &ret_request->id_bytes);
    if (rc == 0)
        rc = read_outputs(&decoder, optional(root, "outputs"), has_class, ret_request);
    if (rc == 0)
        rc = read_inputs(&decoder, json_object_get(root, "inputs"), max_rows, ret_request);
    if (rc < 0)
        v2_request_finish(ret_request);
    return rc;
}

void v2_request_finish(struct v2_request *request)
{
    free(request->rows);
    json_limit_release(request->document);
    *request = (struct v2_request){0};
}
