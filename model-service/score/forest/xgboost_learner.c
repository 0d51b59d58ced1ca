/* xgboost_learner.c - what an XGBoost file says of the model beside its trees. */
#include "score/forest/xgboost_reader.h"

#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct xgboost_objective objectives[] = {
    {"binary:hinge", FOREST_BINARY, FOREST_STEP, LINK_NONE},
    {"binary:logistic", FOREST_BINARY, FOREST_LOGISTIC, LINK_LOGIT},
    {"binary:logitraw", FOREST_BINARY, FOREST_IDENTITY, LINK_NONE},
    {"count:poisson", FOREST_REGRESSION, FOREST_EXP, LINK_LOG},
    {"multi:softmax", FOREST_MULTICLASS, FOREST_SOFTMAX_CLASS, LINK_NONE},
    {"multi:softprob", FOREST_MULTICLASS, FOREST_SOFTMAX, LINK_NONE},
    {"rank:map", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"rank:ndcg", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"rank:pairwise", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:absoluteerror", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:gamma", FOREST_REGRESSION, FOREST_EXP, LINK_LOG},
    {"reg:linear", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:logistic", FOREST_REGRESSION, FOREST_LOGISTIC, LINK_LOGIT},
    {"reg:pseudohubererror", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:quantileerror", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:squarederror", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:squaredlogerror", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:tweedie", FOREST_REGRESSION, FOREST_EXP, LINK_LOG},
    {"survival:aft", FOREST_REGRESSION, FOREST_EXP, LINK_LOG},
    {"survival:cox", FOREST_REGRESSION, FOREST_EXP, LINK_LOG},
};

/* --- texts --- */

/* A text, or a number as its digits, copied with a NUL; cut to the room. */
int xgboost_read_text(struct document *document, char *out, size_t room)
{
    const char *text = "";
    size_t bytes = 0;
    double number = 0;
    int rc;

    if (document_peek(document) == DOCUMENT_NUMBER) {
        rc = document_number(document, &number);
        if (rc == 0)
            snprintf(out, room, "%.17g", number);
        return rc;
    }
    rc = document_text(document, &text, &bytes);
    if (rc < 0)
        return rc;
    if (bytes >= room)
        return document_fail(document, "a text of %zu bytes, expected less than %zu", bytes, room);
    memcpy(out, text, bytes);
    out[bytes] = '\0';
    return 0;
}

/* A count that the file writes as a text. */
int xgboost_read_count(struct document *document, size_t *ret_count)
{
    char text[32], *end;
    int rc = xgboost_read_text(document, text, sizeof(text));

    if (rc < 0)
        return rc;
    const unsigned long long count = strtoull(text, &end, 10);
    if (end == text || *end || *text == '-' || count > UINT32_MAX)
        return document_fail(document, "found \"%s\", expected a count", excerpt(text).text);
    *ret_count = (size_t)count;
    return 0;
}

/* --- the learner --- */

static int read_feature_name(struct document *document, void *target)
{
    struct xgboost_reader *reader = target;
    const char *text = NULL;
    size_t bytes = 0;
    int rc = document_text(document, &text, &bytes);

    if (rc < 0)
        return rc;
    if (memchr(text, '\0', bytes))
        return document_fail(document, "a feature's name has a NUL");
    if ((reader->feature_names & (reader->feature_names - 1)) == 0) { /* a power of two, or none */
        const size_t room = reader->feature_names ? 2 * reader->feature_names : 1;
        char **names = realloc(reader->feature_name, room * sizeof(*names));

        if (!names)
            return -ENOMEM;
        reader->feature_name = names;
    }
    reader->feature_name[reader->feature_names] = NULL;
    rc = forest_copy_text(&reader->feature_name[reader->feature_names], text, bytes);
    reader->feature_names += rc == 0;
    return rc;
}

static int read_feature_names(struct document *document, void *target)
{
    return document_elements(document, read_feature_name, target);
}

static int read_feature_type(struct document *document, void *target)
{
    struct document_numbers *codes = &((struct xgboost_reader *)target)->feature_is_code;
    char type[32];
    int rc = xgboost_read_text(document, type, sizeof(type));

    if (rc == 0 && codes->count == codes->room) {
        const size_t room = codes->room ? 2 * codes->room : 64;
        double *item = realloc(codes->item, room * sizeof(*item));

        if (!item)
            return -ENOMEM;
        codes->item = item;
        codes->room = room;
    }
    if (rc == 0)
        codes->item[codes->count++] = strcmp(type, "c") == 0 || strcmp(type, "categorical") == 0;
    return rc;
}

static int read_feature_types(struct document *document, void *target)
{
    return document_elements(document, read_feature_type, target);
}

static int read_best_iteration(struct document *document, void *target)
{
    struct xgboost_reader *reader = target;

    reader->has_best = true;
    return xgboost_read_count(document, &reader->best_iteration);
}

static int read_attributes(struct document *document, void *target)
{
    static const struct document_member members[] = {{"best_iteration", read_best_iteration}};

    return document_members(document, members, LENGTH(members), target);
}

static int read_base_score(struct document *document, void *target)
{
    struct xgboost_reader *reader = target;

    return xgboost_read_text(document, reader->base_score, sizeof(reader->base_score));
}

#define READ_COUNT(member)                                                                         \
    static int read_##member(struct document *document, void *target)                              \
    {                                                                                              \
        return xgboost_read_count(document, &((struct xgboost_reader *)target)->member);           \
    }
READ_COUNT(classes)
READ_COUNT(features)
READ_COUNT(targets)

static int read_learner_param(struct document *document, void *target)
{
    static const struct document_member members[] = {
        {"base_score", read_base_score},
        {"num_class", read_classes},
        {"num_feature", read_features},
        {"num_target", read_targets},
    };

    return document_members(document, members, LENGTH(members), target);
}

static int read_objective_name(struct document *document, void *target)
{
    struct xgboost_reader *reader = target;
    struct forest *forest = reader->forest;
    int rc = xgboost_read_text(document, forest->objective, sizeof(forest->objective));

    for (size_t i = 0; rc == 0 && i < LENGTH(objectives); i++)
        if (strcmp(objectives[i].name, forest->objective) == 0)
            reader->objective = &objectives[i];
    return rc;
}

static int read_objective(struct document *document, void *target)
{
    static const struct document_member members[] = {{"name", read_objective_name}};

    return document_members(document, members, LENGTH(members), target);
}

int xgboost_read_learner(struct document *document, void *target)
{
    static const struct document_member members[] = {
        {"attributes", read_attributes},
        {"feature_names", read_feature_names},
        {"feature_types", read_feature_types},
        {"gradient_booster", xgboost_peek_booster},
        {"learner_model_param", read_learner_param},
        {"objective", read_objective},
    };

    ((struct xgboost_reader *)target)->has_learner = true;
    return document_members(document, members, LENGTH(members), target);
}
