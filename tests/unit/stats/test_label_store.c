/* test_label_store.c - joining labels with predictions: every label in exactly one counter. */
#include "random_stream.h"
#include "stats/label_store.h"
#include "stats/sip_hash.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ASSERT_COUNT(actual, expected)                                                             \
    do {                                                                                           \
        const uint64_t actual_ = (actual), expected_ = (expected);                                 \
        if (actual_ != expected_)                                                                  \
            fail_msg(#actual ": got %llu, expected %llu", (unsigned long long)actual_,             \
                     (unsigned long long)expected_);                                               \
    } while (0)

static struct label_store *store_new(size_t capacity, int64_t max_age_ms)
{
    const struct label_store_spec spec = {
        .capacity = capacity, .max_age_ms = max_age_ms, .values = 1, .key = {1, 2}};
    struct label_store *store = NULL;
    assert_int_equal(drift_label_store_create(&spec, &store), 0);
    return store;
}

static bool predict(struct label_store *store, const char *id, double value, int64_t now_ms)
{
    return drift_label_store_predicted(store, id, strlen(id), &value, now_ms);
}

static enum label_result label(struct label_store *store, const char *id, double value,
                               int64_t now_ms)
{
    const double *values;
    int64_t predicted_ms;
    return drift_label_store_label(store, id, strlen(id), value, now_ms, &values, &predicted_ms);
}

static void test_every_result(void **state)
{
    (void)state;
    struct label_store *store = store_new(10, 1000);
    assert_true(predict(store, "a", 0.5, 100));
    assert_true(predict(store, "b", 0.25, 100));
    assert_false(predict(store, "a", 0.75, 100));
    assert_int_equal(label(store, "c", 1, 150), LABEL_UNKNOWN);
    const double *values = NULL;
    int64_t predicted_ms = 0;
    assert_int_equal(drift_label_store_label(store, "a", 1, 1, 200, &values, &predicted_ms),
                     LABEL_JOINED);
    assert_true(values[0] == 0.5 && predicted_ms == 100);
    assert_int_equal(label(store, "a", 1, 201), LABEL_DUPLICATE);
    assert_int_equal(label(store, "a", 0, 202), LABEL_CONFLICTING);
    assert_int_equal(label(store, "a", 1, 203), LABEL_DUPLICATE);
    assert_int_equal(label(store, "b", 1, 1100), LABEL_JOINED);
    assert_true(predict(store, "d", 0, 1100));
    assert_int_equal(label(store, "b", 1, 1101), LABEL_LATE);
    assert_int_equal(label(store, "d", 1, 2101), LABEL_LATE);
    const struct label_counters *counters = drift_label_store_counters(store);
    ASSERT_COUNT(counters->expired, 1);
    ASSERT_COUNT(counters->predictions, 3);
    ASSERT_COUNT(counters->repeated, 1);
    ASSERT_COUNT(counters->pending, 0);
    ASSERT_COUNT(counters->lag[0], 2);
    assert_true(counters->lag_sum_seconds == 1.1);
    assert_true(counters->last_label_ms == 1100);
    drift_label_store_destroy(store);
}

static void test_refuses(void **state)
{
    (void)state;
    const struct label_store_spec good = {.capacity = 1, .max_age_ms = 1, .values = 1};
    struct label_store_spec bad[5] = {good, good, good, good, good};
    struct label_store *store = NULL;
    bad[0].capacity = 0;
    bad[1].capacity = LABEL_STORE_MAX_CAPACITY + 1;
    bad[2].max_age_ms = 0;
    bad[3].values = 0;
    bad[4].values = LABEL_STORE_MAX_VALUES + 1;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(drift_label_store_create(&bad[i], &store), -22);
    assert_null(store);
}

/* A clock that steps back neither revives nor expires anything. */
static void test_time_never_runs_backwards(void **state)
{
    (void)state;
    struct label_store *store = store_new(10, 1000);
    assert_true(predict(store, "a", 0, 5000));
    assert_true(predict(store, "b", 0, 10));
    assert_int_equal(label(store, "b", 0, 20), LABEL_JOINED);
    assert_true(drift_label_store_counters(store)->lag_sum_seconds == 0);
    assert_int_equal(label(store, "a", 0, 6001), LABEL_LATE);
    drift_label_store_destroy(store);
}

static void test_coverage(void **state)
{
    (void)state;
    struct label_store *store = store_new(100, 100000000);
    char id[16];
    assert_true(isnan(drift_label_store_coverage(store, 0)));
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_true(predict(store, id, 0, 1000 * i));
    }
    assert_true(isnan(drift_label_store_coverage(store, 40000)));
    for (int i = 0; i < 40; i += 4) {
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(label(store, id, 0, 40000), LABEL_JOINED);
    }
    /* Lags are 4 to 40 s, below 60 s: nothing is old enough at 40 s, the first half at 80 s. */
    assert_true(isnan(drift_label_store_coverage(store, 40000)));
    assert_true(drift_label_store_coverage(store, 79500) == 0.25);
    assert_true(drift_label_store_coverage(store, 200000) == 0.25);
    drift_label_store_destroy(store);
}

/* --- against a plain model --- */

#define MODEL_IDS 60

struct model {
    size_t capacity;
    int64_t max_age_ms;
    struct remembered {
        int id;
        int64_t at;
        bool labelled;
        double label;
    } list[MODEL_IDS * 100];
    size_t count;
    int forgotten[200000];
    size_t forgotten_count;
    uint64_t labels[LABEL_RESULT_COUNT], expired, repeated;
};

static void model_forget(struct model *model)
{
    model->expired += !model->list[0].labelled;
    model->forgotten[model->forgotten_count++] = model->list[0].id;
    memmove(model->list, model->list + 1, --model->count * sizeof(model->list[0]));
}

static void model_expire(struct model *model, int64_t now)
{
    while (model->count > 0 && now - model->list[0].at > model->max_age_ms)
        model_forget(model);
}

static struct remembered *model_find(struct model *model, int id)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->list[i].id == id)
            return &model->list[i];
    return NULL;
}

static void model_predict(struct model *model, int id, int64_t now)
{
    model_expire(model, now);
    if (model_find(model, id)) {
        model->repeated++;
        return;
    }
    if (model->count == model->capacity)
        model_forget(model);
    model->list[model->count++] = (struct remembered){.id = id, .at = now};
}

static bool model_was_forgotten(const struct model *model, int id)
{
    const size_t last = model->forgotten_count;
    for (size_t back = 1; back <= model->capacity && back <= last; back++)
        if (model->forgotten[last - back] == id)
            return true;
    return false;
}

static void model_label(struct model *model, int id, double value, int64_t now)
{
    model_expire(model, now);
    struct remembered *entry = model_find(model, id);
    enum label_result result = model_was_forgotten(model, id) ? LABEL_LATE : LABEL_UNKNOWN;
    if (entry)
        result = !entry->labelled        ? LABEL_JOINED
                 : entry->label == value ? LABEL_DUPLICATE
                                         : LABEL_CONFLICTING;
    model->labels[result]++;
    if (result == LABEL_JOINED) {
        entry->labelled = true;
        entry->label = value;
    }
}

/* Lengths from 1 to 33 bytes, as the id's number says. */
static const char *model_id(int id, char text[48])
{
    snprintf(text, 48, "%d%.*s", id, (id * 7) % 32, "________________________________");
    return text;
}

static void compare(struct label_store *store, const struct model *model)
{
    const struct label_counters *counters = drift_label_store_counters(store);
    uint64_t pending = 0;
    for (size_t i = 0; i < model->count; i++)
        pending += !model->list[i].labelled;
    for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++)
        ASSERT_COUNT(counters->labels[r], model->labels[r]);
    ASSERT_COUNT(counters->expired, model->expired);
    ASSERT_COUNT(counters->repeated, model->repeated);
    ASSERT_COUNT(counters->pending, pending);
}

static void test_against_a_plain_model(void **state)
{
    (void)state;
    uint64_t seed = fresh_seed();
    for (int round = 0; round < 40; round++) {
        struct model *model = calloc(1, sizeof(*model));
        assert_non_null(model);
        model->capacity = 1 + random_below(&seed, 50);
        model->max_age_ms = 1 + (int64_t)random_below(&seed, 200);
        struct label_store *store = store_new(model->capacity, model->max_age_ms);
        int64_t now = 0;
        for (int step = 0; step < 4000; step++) {
            char text[48];
            const int id = (int)random_below(&seed, MODEL_IDS);
            const double value = (double)random_below(&seed, 2);
            now += (int64_t)random_below(&seed, 5);
            if (random_below(&seed, 2) == 0) {
                model_predict(model, id, now);
                (void)predict(store, model_id(id, text), value, now);
            } else {
                model_label(model, id, value, now);
                (void)label(store, model_id(id, text), value, now);
            }
        }
        compare(store, model);
        drift_label_store_destroy(store);
        free(model);
    }
}

/* Ids of the greatest length: fewer are remembered, and each byte is still its own. */
static void test_long_ids(void **state)
{
    (void)state;
    struct label_store *store = store_new(100, 1000000);
    char id[LABEL_ID_MAX_BYTES + 1];
    for (int i = 0; i < 1000; i++) {
        const double value = i;
        snprintf(id, sizeof(id), "%0*d", LABEL_ID_MAX_BYTES, i);
        assert_true(drift_label_store_predicted(store, id, LABEL_ID_MAX_BYTES, &value, i));
    }
    const struct label_counters *counters = drift_label_store_counters(store);
    const uint64_t fit = 100 * LABEL_ID_AVERAGE_BYTES / LABEL_ID_MAX_BYTES;
    ASSERT_COUNT(counters->pending, fit);
    ASSERT_COUNT(counters->expired, 1000 - fit);
    for (int i = 1000 - (int)fit; i < 1000; i++) {
        const double *values;
        int64_t at;
        snprintf(id, sizeof(id), "%0*d", LABEL_ID_MAX_BYTES, i);
        assert_int_equal(
            drift_label_store_label(store, id, LABEL_ID_MAX_BYTES, 1, 1000, &values, &at),
            LABEL_JOINED);
        assert_true(values[0] == i && at == i);
    }
    drift_label_store_destroy(store);
}

/* --- a million pending --- */

#define MANY     1000000
#define ID_BYTES 24

static size_t allocated_bytes(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static size_t id_of(uint64_t i, char text[ID_BYTES])
{
    return (size_t)snprintf(text, ID_BYTES, "prediction-%llu", (unsigned long long)i);
}

struct many {
    struct label_store *store;
    uint64_t seed;
    uint64_t given;
};

static void many_label(struct many *many, uint64_t i, double value, int64_t now,
                       enum label_result expected)
{
    char id[ID_BYTES];
    const double *values;
    int64_t at;
    const enum label_result result =
        drift_label_store_label(many->store, id, id_of(i, id), value, now, &values, &at);
    many->given++;
    if (result != expected)
        fail_msg("label of %s: got %s, expected %s", id, drift_label_result_name(result),
                 drift_label_result_name(expected));
    if (result == LABEL_JOINED && (values[0] != (double)i || at != (int64_t)i))
        fail_msg("label of %s joined with prediction %.17g of %lld", id, values[0], (long long)at);
}

static void many_predict(struct many *many, uint64_t from, uint64_t to)
{
    char id[ID_BYTES];
    for (uint64_t i = from; i < to; i++) {
        const double value = (double)i;
        assert_true(drift_label_store_predicted(many->store, id, id_of(i, id), &value, (int64_t)i));
    }
}

/* Two in three get their label, backwards in blocks: out of order. */
static void many_labels_out_of_order(struct many *many, int64_t now)
{
    for (uint64_t block = 0; block < MANY; block += 1000)
        for (uint64_t i = block + 1000; i-- > block;)
            if (i % 3 != 0)
                many_label(many, i, (double)(i % 2), now, LABEL_JOINED);
}

static void test_a_million_pending(void **state)
{
    (void)state;
    const struct label_store_spec spec = {
        .capacity = MANY, .max_age_ms = 3 * MANY, .values = 1, .key = {7, 9}};
    struct many many = {.seed = 3};
    const size_t before = allocated_bytes();
    assert_int_equal(drift_label_store_create(&spec, &many.store), 0);
    const size_t created = allocated_bytes();
    many_predict(&many, 0, MANY);
    const struct label_counters *counters = drift_label_store_counters(many.store);
    ASSERT_COUNT(counters->pending, MANY);
    many_labels_out_of_order(&many, MANY);
    for (uint64_t i = 0; i < MANY; i += 10)
        if (i % 3 != 0)
            many_label(&many, i, (double)(i % 2), MANY, LABEL_DUPLICATE);
    for (uint64_t i = 1; i < MANY; i += 11)
        if (i % 3 != 0)
            many_label(&many, i, 5, MANY, LABEL_CONFLICTING);
    for (uint64_t i = 2 * MANY; i < 2 * MANY + 50000; i++)
        many_label(&many, i, 0, MANY, LABEL_UNKNOWN);
    many_predict(&many, MANY, MANY + MANY / 2); /* forgets the first half */
    for (uint64_t i = 0; i < MANY / 2; i++)
        many_label(&many, i, 0, 2 * MANY, LABEL_LATE);
    const uint64_t never = MANY / 2 / 3 + 1;
    ASSERT_COUNT(counters->expired, never);
    drift_label_store_expire(many.store, 10 * MANY);
    ASSERT_COUNT(counters->pending, 0);
    ASSERT_COUNT(counters->predictions - counters->labels[LABEL_JOINED], counters->expired);
    uint64_t counted = 0, lags = 0;
    for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++)
        counted += counters->labels[r];
    for (size_t b = 0; b <= LABEL_LAG_BOUNDS; b++)
        lags += counters->lag[b];
    ASSERT_COUNT(counted, many.given);
    ASSERT_COUNT(lags, counters->labels[LABEL_JOINED]);
    ASSERT_COUNT(allocated_bytes(), created);
    /* The allocator of a sanitizer does not tell. */
    const size_t bound = drift_label_store_bytes(&spec);
    printf("a million predictions: %zu bytes, bound %zu\n", created - before, bound);
    assert_true(created - before <= bound + 4096 * 8);
    assert_true(bound <= (size_t)MANY * (8 * spec.values + 120) + 1024);
    drift_label_store_destroy(many.store);
}

/* The first answers for keys 00..0f and data 00.. of SipHash-1-3, as the Rust library's tests have
 * them. */
static void test_hash(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(0xabac0158050fc4dc), UINT64_C(0xc9f49bf37d57ca93), UINT64_C(0x82cb9b024dc7d44d),
        UINT64_C(0x8bf80ab8e7ddf7fb), UINT64_C(0xcf75576088d38328), UINT64_C(0xdef9d52f49533b67),
        UINT64_C(0xc50d2b50c59f22a7), UINT64_C(0xd3927d989bb11140), UINT64_C(0x369095118d299a8e),
    };
    const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    unsigned char data[8];
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const uint64_t hash = sip_hash(key, data, i);
        if (hash != expected[i])
            fail_msg("%zu bytes: got %016llx, expected %016llx", i, (unsigned long long)hash,
                     (unsigned long long)expected[i]);
        if (i < sizeof(data))
            data[i] = (unsigned char)i;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),     cmocka_unit_test(test_every_result),
        cmocka_unit_test(test_refuses),  cmocka_unit_test(test_time_never_runs_backwards),
        cmocka_unit_test(test_coverage), cmocka_unit_test(test_against_a_plain_model),
        cmocka_unit_test(test_long_ids), cmocka_unit_test(test_a_million_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
