/* xgboost.c - models of XGBoost, through its C API; the only file that includes it.
 *
 * The library is opened by the first model that needs it: linked, it would make every start, also
 * without such a model, twice as long and the process twice as large.
 *
 * In-place prediction only: it keeps its result per thread and handle and changes nothing of the
 * booster, so that one handle serves every thread. The first prediction configures the booster;
 * it is made at load, before other threads see it. XGBoost's thread-local results of a handle live
 * as long as the thread. */
#include "score/xgboost.h"

#include "score/back_end.h"
#include "score/model_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xgboost/c_api.h>

/* Rows are handed over in blocks of so many numbers, on the stack. */
#define BLOCK_NUMBERS 8192
#define MAX_COLUMNS   BLOCK_NUMBERS

/* What one column of the model's matrix is made of. */
struct column {
    size_t feature;
    char *category; /* 1 where the feature has this text, else 0; NULL: the number itself */
    size_t category_bytes;
};

struct xgboost {
    struct scorer scorer;
    BoosterHandle booster;
    size_t outputs; /* per row */
    size_t column_count;
    struct column columns[]; /* [column_count] */
};

/* --- the library --- */

#define LIBRARY "libxgboost.so.0"

#define FUNCTIONS(X)                                                                               \
    X(XGBGetLastError)                                                                             \
    X(XGBRegisterLogCallback)                                                                      \
    X(XGBoosterCreate)                                                                             \
    X(XGBoosterFree)                                                                               \
    X(XGBoosterGetNumFeature)                                                                      \
    X(XGBoosterGetStrFeatureInfo)                                                                  \
    X(XGBoosterLoadModelFromBuffer)                                                                \
    X(XGBoosterPredictFromDense)                                                                   \
    X(XGBoosterSaveJsonConfig)                                                                     \
    X(XGBoosterSetParam)

#define POINTER(name) __typeof__(name) *name;
static struct {
    void *library; /* NULL: not there */
    void (*set_threads)(int);
    FUNCTIONS(POINTER)
} api;

/* Assigns what dlsym() finds, an object in the eyes of C. */
static void find_function(const char *name, void *pointer)
{
    void *found = dlsym(api.library, name);

    memcpy(pointer, &found, sizeof(found));
}

static void close_library(void)
{
    dlclose(api.library);
    api.library = NULL;
}

static void open_library(void)
{
    api.library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!api.library)
        return;
    find_function("omp_set_num_threads", &api.set_threads);
#define FIND(name)                                                                                 \
    find_function(#name, &api.name);                                                               \
    if (!api.name) {                                                                               \
        close_library();                                                                           \
        return;                                                                                    \
    }
    FUNCTIONS(FIND)
}

static int need_library(const char *path, char error[SCORER_ERROR_BYTES])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, open_library);
    if (api.library)
        return 0;
    snprintf(error, SCORER_ERROR_BYTES,
             "%s: needs XGBoost, but " LIBRARY " is not installed (Debian: libxgboost0)", path);
    return -ENOTSUP;
}

/* --- the library's messages --- */

static void drop_message(const char *message)
{
    (void)message;
}

/* What the library keeps per thread: the callback of its log, and how many threads OpenMP helps it
 * with, which it does when it reads a model whatever the parameter nthread says. */
static void prepare_thread(void)
{
    static _Thread_local bool prepared;

    if (prepared)
        return;
    api.XGBRegisterLogCallback(drop_message);
    if (api.set_threads)
        api.set_threads(1);
    prepared = true;
}

/* The reason in "[12:00:00] ./src/file.cc:1: Check failed: a == b (1 vs. 2) : reason\nStack ...".
 */
static void last_error(char *reason, size_t room)
{
    const char *text = api.XGBGetLastError();
    const char *place = strstr(text, ".cc:"), *header = strstr(text, ".h:");
    size_t length;

    if (header && (!place || header < place))
        place = header;
    if (text[0] == '[' && place && strstr(place, ": "))
        text = strstr(place, ": ") + 2;
    length = strcspn(text, "\n");
    while (length > 0 && strchr(" :", text[length - 1]))
        length--;
    snprintf(reason, room, "%.*s", (int)(length < room ? length : room - 1), text);
}

static int refuse_with_reason(const char *path, const char *what, char error[SCORER_ERROR_BYTES])
{
    char reason[200];

    last_error(reason, sizeof(reason));
    snprintf(error, SCORER_ERROR_BYTES, "%s: %s (XGBoost says: %s)", path, what, reason);
    return -EINVAL;
}

/* --- scoring --- */

static float column_value(const struct column *column, const struct value *row)
{
    const struct value *value = &row[column->feature];

    if (!column->category)
        return (float)value->number;
    return value->text && value->text_bytes == column->category_bytes &&
           memcmp(value->text, column->category, column->category_bytes) == 0;
}

static int predict(const struct xgboost *model, const float *matrix, size_t rows,
                   const float **ret_result, bst_ulong *ret_outputs)
{
    static const char settings[] = "{\"type\":0,\"training\":false,\"iteration_begin\":0,"
                                   "\"iteration_end\":0,\"strict_shape\":true,\"cache_id\":0,"
                                   "\"missing\":NaN}";
    char array[160];
    const bst_ulong *shape;
    bst_ulong dimensions;

    prepare_thread();
    snprintf(array, sizeof(array),
             "{\"data\":[%zu,true],\"shape\":[%zu,%zu],\"typestr\":\"<f4\",\"version\":3}",
             (size_t)matrix, rows, model->column_count);
    if (api.XGBoosterPredictFromDense(model->booster, array, settings, NULL, &shape, &dimensions,
                                      ret_result) != 0)
        return -EIO;
    if (dimensions != 2 || shape[0] != rows)
        return -EIO;
    *ret_outputs = shape[1];
    return 0;
}

static int score_block(const struct xgboost *model, const struct row *rows, size_t count,
                       double *outputs)
{
    float matrix[BLOCK_NUMBERS];
    const float *result;
    bst_ulong per_row;

    for (size_t r = 0; r < count; r++)
        for (size_t c = 0; c < model->column_count; c++)
            matrix[r * model->column_count + c] = column_value(&model->columns[c], rows[r].value);
    if (predict(model, matrix, count, &result, &per_row) < 0 || per_row != model->outputs)
        return -EIO;
    for (size_t i = 0; i < count * model->outputs; i++) {
        if (!isfinite(result[i]))
            return -EIO;
        outputs[i] = (double)result[i];
    }
    return 0;
}

static int xgboost_score_rows(const struct scorer *scorer, const struct row *rows, size_t count,
                              uint64_t sequence, double *outputs)
{
    const struct xgboost *model = (const struct xgboost *)scorer;
    const size_t block = BLOCK_NUMBERS / model->column_count;

    (void)sequence;
    for (size_t done = 0; done < count; done += block) {
        const size_t rest = count - done;
        int rc = score_block(model, rows + done, rest < block ? rest : block,
                             outputs + done * model->outputs);

        if (rc < 0)
            return rc;
    }
    return 0;
}

static int xgboost_score(const struct scorer *scorer, const struct value *row, uint64_t sequence,
                         double *outputs)
{
    const struct row only = {.value = (struct value *)row};

    return xgboost_score_rows(scorer, &only, 1, sequence, outputs);
}

static bool xgboost_takes_missing(const struct scorer *scorer, size_t feature)
{
    (void)scorer;
    (void)feature;
    return true;
}

static void xgboost_destroy(struct scorer *scorer)
{
    struct xgboost *model = (struct xgboost *)scorer;

    if (model->booster)
        api.XGBoosterFree(model->booster);
    for (size_t c = 0; c < model->column_count; c++)
        free(model->columns[c].category);
    free(model);
}

static const struct scorer_back_end xgboost_back_end = {
    .score = xgboost_score,
    .score_rows = xgboost_score_rows,
    .takes_missing = xgboost_takes_missing,
    .destroy = xgboost_destroy,
};

static int booster_load(BoosterHandle booster, const char *path, char error[SCORER_ERROR_BYTES])
{
    struct model_file file;
    int rc = model_file_read(path, &file, error);

    if (rc < 0)
        return rc;
    if (api.XGBoosterLoadModelFromBuffer(booster, file.bytes, (bst_ulong)file.length) != 0)
        rc = refuse_with_reason(path, "not an XGBoost model", error);
    else if (api.XGBoosterSetParam(booster, "nthread", "1") != 0)
        rc = refuse_with_reason(path, "cannot be set to one thread", error);
    model_file_finish(&file);
    return rc;
}

/* --- what kind of model it is --- */

static const struct objective {
    const char *name;
    enum prediction_type type;
    const char *probabilities; /* an objective that turns the same trees into probabilities */
} objectives[] = {
    {"binary:logistic", PREDICTION_BINARY, NULL},
    {"binary:logitraw", PREDICTION_BINARY, "binary:logistic"},
    {"multi:softprob", PREDICTION_MULTICLASS, NULL},
    {"multi:softmax", PREDICTION_MULTICLASS, "multi:softprob"},
    {"reg:squarederror", PREDICTION_REGRESSION, NULL},
    {"reg:linear", PREDICTION_REGRESSION, NULL},
    {"reg:squaredlogerror", PREDICTION_REGRESSION, NULL},
    {"reg:pseudohubererror", PREDICTION_REGRESSION, NULL},
    {"reg:absoluteerror", PREDICTION_REGRESSION, NULL},
    {"reg:logistic", PREDICTION_REGRESSION, NULL},
    {"reg:gamma", PREDICTION_REGRESSION, NULL},
    {"reg:tweedie", PREDICTION_REGRESSION, NULL},
    {"count:poisson", PREDICTION_REGRESSION, NULL},
};

/* The text of a member of the library's own configuration, which it writes without blanks. */
static void config_text(const char *config, const char *key, char *out, size_t room)
{
    char quoted[64];
    const char *at;

    snprintf(quoted, sizeof(quoted), "\"%s\":\"", key);
    at = strstr(config, quoted);
    at = at ? at + strlen(quoted) : "";
    snprintf(out, room, "%.*s", (int)strcspn(at, "\""), at);
}

static const struct objective *objective_find(const char *name)
{
    for (size_t i = 0; i < sizeof(objectives) / sizeof(objectives[0]); i++)
        if (strcmp(objectives[i].name, name) == 0)
            return &objectives[i];
    return NULL;
}

static int objective_read(struct xgboost *model, const char *path,
                          const struct objective **ret_objective, char error[SCORER_ERROR_BYTES])
{
    char name[64], kind[32];
    bst_ulong bytes;
    const char *config;

    if (api.XGBoosterSaveJsonConfig(model->booster, &bytes, &config) != 0)
        return refuse_with_reason(path, "not a usable XGBoost model", error);
    config_text(config, "objective", name, sizeof(name));
    config_text(config, "booster", kind, sizeof(kind));
    *ret_objective = objective_find(name);
    if (!*ret_objective) {
        snprintf(error, SCORER_ERROR_BYTES,
                 "%s: its objective is \"%s\", expected binary:logistic, multi:softprob, "
                 "multi:softmax or a regression (reg:..., count:poisson)",
                 path, name);
        return -EINVAL;
    }
    if (strcmp(kind, "gblinear") == 0) {
        snprintf(error, SCORER_ERROR_BYTES,
                 "%s: its booster is \"gblinear\", expected trees (gbtree or dart)", path);
        return -EINVAL;
    }
    if ((*ret_objective)->probabilities &&
        api.XGBoosterSetParam(model->booster, "objective", (*ret_objective)->probabilities) != 0)
        return refuse_with_reason(path, "gives no probabilities", error);
    return 0;
}

/* Predicts a row of missing values: configures the booster, and says how many outputs it has. */
static int probe(struct xgboost *model, const char *path, const struct objective *objective,
                 char error[SCORER_ERROR_BYTES])
{
    float matrix[MAX_COLUMNS];
    const float *result;
    bst_ulong outputs;

    for (size_t c = 0; c < model->column_count; c++)
        matrix[c] = NAN;
    if (predict(model, matrix, 1, &result, &outputs) < 0)
        return refuse_with_reason(path, "cannot predict", error);
    if (objective->type == PREDICTION_MULTICLASS ? outputs < 2 || outputs > SCORER_MAX_CLASSES
                                                 : outputs != 1) {
        snprintf(error, SCORER_ERROR_BYTES, "%s: predicts %zu values for a row, expected %s", path,
                 (size_t)outputs,
                 objective->type == PREDICTION_MULTICLASS ? "one per class, 2 to 1000" : "one");
        return -EINVAL;
    }
    model->outputs = outputs;
    return 0;
}

/* --- the features --- */

/* The numeric feature of this name, or the categorical one of "name=category". */
static int column_find(const char *name, const struct scorer_feature *features, size_t count,
                       struct column *ret_column)
{
    size_t longest = 0;

    for (size_t f = 0; f < count; f++) {
        const size_t bytes = strlen(features[f].name);

        if (!features[f].categorical && strcmp(features[f].name, name) == 0) {
            *ret_column = (struct column){.feature = f};
            return 0;
        }
        if (features[f].categorical && bytes >= longest && name[bytes] == '=' &&
            strncmp(features[f].name, name, bytes) == 0) {
            longest = bytes + 1;
            ret_column->feature = f;
        }
    }
    if (longest == 0)
        return -EINVAL;
    const struct value category = value_of_text(name + longest, strlen(name + longest));
    ret_column->category = strdup(category.text);
    ret_column->category_bytes = category.text_bytes;
    return ret_column->category ? 0 : -ENOMEM;
}

static bool is_categorical(const char *name, const struct scorer_feature *features, size_t count)
{
    for (size_t f = 0; f < count; f++)
        if (features[f].categorical && strcmp(features[f].name, name) == 0)
            return true;
    return false;
}

static int refuse_column(const char *path, const char *name, const struct scorer_feature *features,
                         size_t count, char error[SCORER_ERROR_BYTES])
{
    if (is_categorical(name, features, count))
        snprintf(error, SCORER_ERROR_BYTES,
                 "%s: its feature \"%.100s\" is categorical in the configuration, expected a "
                 "column of ones and zeros for each category, named \"%.100s=CATEGORY\"",
                 path, name, name);
    else
        snprintf(error, SCORER_ERROR_BYTES,
                 "%s: its feature \"%.100s\" is none of the configuration's, expected the name of "
                 "a numeric feature, or NAME=CATEGORY of a categorical one",
                 path, name);
    return -EINVAL;
}

static int columns_by_name(struct xgboost *model, const char *path, const char *const *names,
                           const struct scorer_feature *features, size_t count,
                           char error[SCORER_ERROR_BYTES])
{
    for (size_t c = 0; c < model->column_count; c++) {
        int rc = column_find(names[c], features, count, &model->columns[c]);

        if (rc == -EINVAL)
            return refuse_column(path, names[c], features, count, error);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int columns_by_order(struct xgboost *model, const char *path,
                            const struct scorer_feature *features, size_t count,
                            char error[SCORER_ERROR_BYTES])
{
    if (model->column_count != count) {
        snprintf(error, SCORER_ERROR_BYTES,
                 "%s: takes %zu features and does not name them, but the configuration has %zu",
                 path, model->column_count, count);
        return -EINVAL;
    }
    for (size_t c = 0; c < count; c++) {
        if (features[c].categorical) {
            snprintf(error, SCORER_ERROR_BYTES,
                     "%s: does not name its features, and \"%.100s\" is categorical; train it on "
                     "columns named \"%.100s=CATEGORY\"",
                     path, features[c].name, features[c].name);
            return -EINVAL;
        }
        model->columns[c].feature = c;
    }
    return 0;
}

/* XGBoost's own categorical features ("c") take codes that only the training code knows. */
static int check_types(struct xgboost *model, const char *path, char error[SCORER_ERROR_BYTES])
{
    const char **types;
    bst_ulong count;

    if (api.XGBoosterGetStrFeatureInfo(model->booster, "feature_type", &count, &types) != 0)
        return refuse_with_reason(path, "does not tell its features", error);
    for (bst_ulong i = 0; i < count; i++)
        if (strcmp(types[i], "c") == 0) {
            snprintf(error, SCORER_ERROR_BYTES,
                     "%s: its feature %zu has XGBoost's own categorical type, expected a column of "
                     "ones and zeros for each category",
                     path, (size_t)i);
            return -EINVAL;
        }
    return 0;
}

static int columns_map(struct xgboost *model, const char *path,
                       const struct scorer_feature *features, size_t count,
                       char error[SCORER_ERROR_BYTES])
{
    const char **names;
    bst_ulong name_count;
    int rc = check_types(model, path, error);

    if (rc < 0)
        return rc;
    if (api.XGBoosterGetStrFeatureInfo(model->booster, "feature_name", &name_count, &names) != 0)
        return refuse_with_reason(path, "does not tell its features", error);
    if (name_count == 0)
        return columns_by_order(model, path, features, count, error);
    if (name_count != model->column_count) {
        snprintf(error, SCORER_ERROR_BYTES, "%s: takes %zu features, but names %zu", path,
                 model->column_count, (size_t)name_count);
        return -EINVAL;
    }
    return columns_by_name(model, path, names, features, count, error);
}

/* --- all together --- */

static int allocate(BoosterHandle booster, const char *path, struct xgboost **ret_model,
                    char error[SCORER_ERROR_BYTES])
{
    bst_ulong columns;
    struct xgboost *model;

    if (api.XGBoosterGetNumFeature(booster, &columns) != 0)
        return refuse_with_reason(path, "does not tell its features", error);
    if (columns == 0 || columns > MAX_COLUMNS) {
        snprintf(error, SCORER_ERROR_BYTES, "%s: takes %zu features, expected 1 to %d", path,
                 (size_t)columns, MAX_COLUMNS);
        return -EINVAL;
    }
    model = calloc(1, sizeof(*model) + columns * sizeof(model->columns[0]));
    if (!model)
        return -ENOMEM;
    model->booster = booster;
    model->column_count = columns;
    *ret_model = model;
    return 0;
}

static int describe(struct xgboost *model, const char *path, const struct scorer_feature *features,
                    size_t count, char error[SCORER_ERROR_BYTES])
{
    const struct objective *objective = NULL;
    int rc = objective_read(model, path, &objective, error);

    if (rc == 0)
        rc = columns_map(model, path, features, count, error);
    if (rc == 0)
        rc = probe(model, path, objective, error);
    return rc < 0 ? rc
                  : scorer_init(&model->scorer, &xgboost_back_end, count, objective->type,
                                model->outputs);
}

int xgboost_scorer_load(const char *path, const struct scorer_feature *features, size_t count,
                        struct scorer **ret_scorer, char error[SCORER_ERROR_BYTES])
{
    BoosterHandle booster;
    struct xgboost *model = NULL;
    int rc;

    rc = need_library(path, error);
    if (rc < 0)
        return rc;
    prepare_thread();
    snprintf(error, SCORER_ERROR_BYTES, "%s: not enough memory", path);
    if (api.XGBoosterCreate(NULL, 0, &booster) != 0)
        return -ENOMEM;
    rc = booster_load(booster, path, error);
    if (rc == 0)
        rc = allocate(booster, path, &model, error);
    if (rc < 0) {
        api.XGBoosterFree(booster);
        return rc;
    }
    rc = describe(model, path, features, count, error);
    if (rc < 0) {
        xgboost_destroy(&model->scorer);
        return rc;
    }
    *ret_scorer = &model->scorer;
    return 0;
}
