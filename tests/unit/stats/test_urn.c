/* test_urn.c - the urn against its prototype, its promise, and its state as bytes. */
#include "corpus.h"
#include "stats/urn_internal.h"
#include "urn_state_input.h"
#include "urn_stream.h"
#include "vector_file.h"

#include <errno.h>

struct made {
    struct urn_bins bins;
    struct urn_bets *bets;
    struct urn *urn;
};

static void made_finish(struct made *made)
{
    drift_urn_destroy(made->urn);
    drift_urn_bets_destroy(made->bets);
    drift_urn_bins_finish(&made->bins);
}

static void make_urn(struct made *made, double discount)
{
    assert_int_equal(drift_urn_bets_create(&made->bins, discount, &made->bets), 0);
    assert_int_equal(drift_urn_create(&made->bins, made->bets, &made->urn), 0);
}

/* The reference of a case of the vectors; *seed moves on to its stream. */
static void make_case(struct made *made, const struct urn_case *c, uint64_t *seed)
{
    double rows[URN_MAX_ROWS];
    uint64_t count[64] = {0};
    for (int i = 0; i < c->reference_rows; i++) {
        rows[i] = urn_row(c, seed, 0);
        if (c->shape == URN_SHAPE_CATEGORIES)
            count[(size_t)rows[i]]++;
    }
    if (c->shape == URN_SHAPE_CATEGORIES) {
        assert_int_equal(drift_urn_bins_categories(&made->bins, count, (size_t)c->categories), 0);
    } else {
        qsort(rows, (size_t)c->reference_rows, sizeof(*rows), compare_values);
        assert_int_equal(drift_urn_bins_numeric(&made->bins, rows, (size_t)c->reference_rows), 0);
    }
    make_urn(made, c->discount);
}

static size_t bin_of_row(const struct made *made, double x)
{
    if (!made->bins.categorical)
        return urn_bin_of(&made->bins, x);
    return (size_t)x + 1 < made->bins.count ? (size_t)x + 1 : 0;
}

/* `categories` of them, the first ones common and the rest rare. */
static void make_many(struct made *made, size_t categories)
{
    uint64_t count[1000];
    for (size_t i = 0; i < categories; i++)
        count[i] = 20000 / (i + 1) + 2;
    assert_int_equal(drift_urn_bins_categories(&made->bins, count, categories), 0);
    make_urn(made, 1);
}

/* The urn of a case, and after the last case one of many categories. */
static void make_any(struct made *made, int number, uint64_t *seed)
{
    *seed = urn_seed(number);
    if (number < URN_CASES)
        make_case(made, &urn_cases[number], seed);
    else
        make_many(made, 300);
}

/* --- against the prototype --- */

static const char *prototype_name(enum urn_change_kind kind)
{
    return kind == URN_TAILS ? "tail" : drift_urn_change_name(kind);
}

static void compare_case(struct vector_file *file, int number)
{
    const struct urn_case *c = &urn_cases[number];
    uint64_t seed = urn_seed(number), restarts = 0;
    struct made made;
    make_case(&made, c, &seed);
    for (int i = 0; i < URN_ROWS; i++) {
        const double x = urn_row(c, &seed, i >= URN_CHANGE_AT);
        const double evidence = drift_urn_observe(made.urn, bin_of_row(&made, x), 1);
        if ((i + 1) % URN_RECORDED == 0) {
            assert_true(vector_file_next(file));
            const struct urn_change change = drift_urn_change(made.urn);
            assert_int_equal(vector_count(file, 0), number);
            assert_int_equal(vector_count(file, 1), made.bins.count);
            assert_int_equal(vector_count(file, 2), i + 1);
            assert_int_equal(vector_count(file, 3), restarts);
            assert_near("evidence", file->line, evidence, vector_number(file, 4), 1e-4, 0);
            assert_string_equal(prototype_name(change.kind), file->cell[5]);
            assert_near("age", file->line, change.rows, vector_number(file, 6), 1e-4, 0);
        }
        if (evidence >= URN_RESTART_AT) {
            drift_urn_restart(made.urn);
            restarts++;
        }
    }
    made_finish(&made);
}

static void test_prototype(void **state)
{
    (void)state;
    struct vector_file file;
    vector_file_open(&file, "urn.csv");
    for (int i = 0; i < URN_CASES; i++)
        compare_case(&file, i);
    assert_false(vector_file_next(&file));
    vector_file_close(&file);
}

/* --- the promise --- */

/* The expectation of the evidence after the next row, by the urn's own probabilities. */
static double expected_evidence(struct made *made, double start)
{
    const size_t size = drift_urn_save(made->urn, NULL, 0);
    uint8_t *saved = malloc(size);
    double sum = 0;
    assert_non_null(saved);
    assert_int_equal(drift_urn_save(made->urn, saved, size), size);
    for (size_t b = 0; b < made->bins.count; b++) {
        const double p = 0.5 * made->urn->count[b] / made->urn->total;
        sum += p * drift_urn_observe(made->urn, b, start);
        assert_int_equal(drift_urn_restore(made->urn, saved, size), 0);
    }
    free(saved);
    return sum;
}

/* Whatever has been seen, a row adds its start weight on average, and nothing else. */
static void expect_martingale(struct made *made, uint64_t *seed, double tolerance)
{
    for (int i = 0; i < 400; i++) {
        const double before = drift_urn_evidence(made->urn), start = random_unit(seed) * 5;
        if (i % 40 == 0) {
            const double expected = before + start;
            assert_near("expectation", (unsigned)i, expected_evidence(made, start), expected,
                        tolerance, 0);
        }
        const size_t half = made->bins.count / 2 + 1;
        (void)drift_urn_observe(made->urn, random_below(seed, i < 200 ? made->bins.count : half),
                                start);
        (void)drift_urn_limit(made->urn, 1e9);
    }
}

static void test_martingale(void **state)
{
    (void)state;
    uint64_t seed = fresh_seed();
    for (int i = 0; i < URN_CASES; i++) {
        uint64_t stream = urn_seed(i);
        struct urn_case c = urn_cases[i];
        c.discount = 1;
        struct made made;
        make_case(&made, &c, &stream);
        expect_martingale(&made, &seed, 2e-5);
        made_finish(&made);
    }
    for (size_t categories = 23; categories < 1000; categories += 313) {
        struct made made;
        make_many(&made, categories);
        expect_martingale(&made, &seed, 2e-5);
        made_finish(&made);
    }
}

/* Evidence is in the unit of the start weights. */
static void test_start_weights(void **state)
{
    (void)state;
    uint64_t seed = urn_seed(1), other_seed = urn_seed(1);
    struct made rows;
    make_case(&rows, &urn_cases[1], &seed);
    struct made seconds;
    make_case(&seconds, &urn_cases[1], &other_seed);
    for (int i = 0; i < 1000; i++) {
        const size_t bin = urn_bin_of(&rows.bins, urn_row(&urn_cases[1], &seed, i > 500));
        const double evidence = drift_urn_observe(rows.urn, bin, 1);
        assert_near("evidence", (unsigned)i, drift_urn_observe(seconds.urn, bin, 0.125),
                    evidence / 8, 1e-12, 0);
    }
    made_finish(&rows);
    made_finish(&seconds);
}

/* --- many categories --- */

/* The bets of urn_tail.h, one by one. */
struct plain_tail {
    double wealth[3][1000], age[3][1000];
};

static void plain_observe(struct plain_tail *plain, size_t count, size_t own, double p,
                          double weight, double start, double discount)
{
    static const double gain[3] = {0.01, 0.04, 0.15};
    for (size_t i = 0; i < 3; i++)
        for (size_t c = 0; c < count; c++) {
            const double ratio = 1 - gain[i] + (c == own ? gain[i] / p : 0);
            const double e = pow(ratio, 1 / discount);
            const double old = plain->wealth[i][c] + weight * start;
            plain->wealth[i][c] = old * e;
            plain->age[i][c] = (plain->age[i][c] + old) * e;
        }
}

static void expect_same_tail(const struct urn_tail *tail, const struct plain_tail *plain,
                             unsigned row)
{
    double wealth = 0, age = 0, most = 0;
    size_t leader = 0;
    for (size_t i = 0; i < 3; i++)
        for (size_t c = 0; c < tail->count; c++) {
            wealth += plain->wealth[i][c];
            age += plain->age[i][c];
            if (plain->wealth[i][c] > most) {
                most = plain->wealth[i][c];
                leader = c;
            }
        }
    assert_near("wealth", row, urn_tail_wealth(tail), wealth, 1e-4, 0);
    assert_near("age", row, urn_tail_age(tail), age, 1e-4, 0);
    assert_near("leader", row, urn_tail_leader(tail).wealth, most, 1e-4, 0);
    if (most > 0.01 * wealth)
        assert_int_equal(urn_tail_leader(tail).category, leader);
}

static void compare_tails(double discount, uint64_t *seed)
{
    static struct plain_tail plain;
    struct urn_tail tail;
    const size_t count = 100;
    plain = (struct plain_tail){0};
    assert_int_equal(urn_tail_init(&tail, count, 0.3, discount), 0);
    for (unsigned i = 0; i < 6000; i++) {
        const size_t own = i % 5 == 0 && i > 2000 ? 7 : random_below(seed, 2 * count);
        const double p = 0.5 / (double)count, start = 1 + (i % 3);
        const double sum = urn_tail_observe(&tail, own, p, start);
        plain_observe(&plain, count, own, p, 0.3 / 300, start, discount);
        if (i % 97 == 0)
            expect_same_tail(&tail, &plain, i);
        if (sum > 1e6) {
            urn_tail_scale(&tail, 1e-3);
            for (size_t k = 0; k < 3; k++)
                for (size_t c = 0; c < count; c++) {
                    plain.wealth[k][c] *= 1e-3;
                    plain.age[k][c] *= 1e-3;
                }
        }
    }
    urn_tail_finish(&tail);
}

static void test_tail_against_plain(void **state)
{
    (void)state;
    uint64_t seed = fresh_seed();
    compare_tails(1, &seed);
    compare_tails(3, &seed);
}

/* 5 % of the rows turn into a category of rank 60, 500 or 1000, or into a new one. */
static void test_rare_category_gains(void **state)
{
    (void)state;
    static const size_t bins[] = {60, 500, 1000, 0};
    for (size_t i = 0; i < 4; i++) {
        struct made made;
        make_many(&made, 1000);
        uint64_t seed = 5;
        double total = 0;
        size_t row = 0;
        for (size_t b = 0; b < made.bins.count; b++)
            total += made.bins.mass[b];
        for (double evidence = 0; evidence < 4e6 && row < 2000; row++) {
            double at = random_unit(&seed) * total;
            size_t bin = 0;
            while (at >= made.bins.mass[bin])
                at -= made.bins.mass[bin++];
            evidence = drift_urn_observe(made.urn, random_below(&seed, 20) == 0 ? bins[i] : bin, 1);
        }
        const struct urn_change change = drift_urn_change(made.urn);
        assert_in_range(row, 40, 400);
        assert_int_equal(change.kind, URN_SHARE_UP);
        assert_int_equal(change.bin, bins[i]);
        made_finish(&made);
    }
}

/* --- life of an urn --- */

static void feed(struct made *made, const struct urn_case *c, uint64_t *seed, int rows, int changed)
{
    for (int i = 0; i < rows; i++)
        (void)drift_urn_observe(made->urn, bin_of_row(made, urn_row(c, seed, changed)), 1);
}

static void test_hold_and_adopt(void **state)
{
    (void)state;
    const struct urn_case shifted = {URN_SHAPE_BELL, 0, 5000, 1, 0.5, 1}, *c = &shifted;
    uint64_t seed = 3;
    struct made made;
    make_case(&made, c, &seed);
    assert_int_equal(drift_urn_adopt(made.urn), -ENODATA);
    feed(&made, c, &seed, 300, 1);
    assert_true(drift_urn_evidence(made.urn) > 1e4);
    assert_true(fabs(drift_urn_limit(made.urn, 1e4) - 1e4) < 1);
    drift_urn_hold(made.urn, true);
    const double total = made.urn->total;
    feed(&made, c, &seed, 500, 1);
    assert_true(made.urn->total == total);
    assert_int_equal(drift_urn_collected(made.urn), 500);
    assert_true(drift_urn_evidence(made.urn) > 1e4);
    assert_int_equal(drift_urn_adopt(made.urn), 0);
    assert_true(drift_urn_evidence(made.urn) == 0);
    feed(&made, c, &seed, 2000, 1); /* the new normal is normal */
    assert_true(drift_urn_evidence(made.urn) < 1e4);
    feed(&made, c, &seed, 400, 0); /* away from it, though back to the first reference */
    assert_true(drift_urn_evidence(made.urn) > 1e5);
    assert_int_equal(drift_urn_change(made.urn).kind, URN_DOWN);
    made_finish(&made);
}

static void test_deviations(void **state)
{
    (void)state;
    uint64_t seed = urn_seed(4);
    struct urn_case c = urn_cases[2];
    c.shift = 0.5;
    c.spread = 1;
    struct made made;
    make_case(&made, &c, &seed);
    feed(&made, &c, &seed, 200, 1);
    const double evidence = drift_urn_evidence(made.urn);
    assert_near("deviations", 0, drift_urn_deviations(made.urn, evidence), 0.5, 0.3, 0);
    assert_true(drift_urn_deviations(made.urn, 0.5) == 0);
    made_finish(&made);
}

static void test_sizes(void **state)
{
    (void)state;
    double rows[1000];
    struct made made;
    struct urn_bins none;
    const uint64_t zero = 0, one = 1;
    for (int i = 0; i < 1000; i++)
        rows[i] = i;
    assert_int_equal(drift_urn_bins_numeric(&made.bins, rows, 1000), 0);
    make_urn(&made, 1);
    assert_true(drift_urn_bytes(made.urn) + made.bins.count * 2 * sizeof(double) < 2600);
    assert_int_equal(drift_urn_bins_numeric(&none, rows, 0), -EINVAL);
    rows[5] = NAN;
    assert_int_equal(drift_urn_bins_numeric(&none, rows, 1000), -EINVAL);
    rows[5] = 100;
    assert_int_equal(drift_urn_bins_numeric(&none, rows, 1000), -EINVAL);
    assert_int_equal(drift_urn_bins_categories(&none, &zero, 1), -EINVAL);
    assert_int_equal(drift_urn_bins_categories(&none, &one, 0), -EINVAL);
    struct urn_bets *bets;
    assert_int_equal(drift_urn_bets_create(&made.bins, 0.5, &bets), -EINVAL);
    assert_int_equal(drift_urn_bets_create(&made.bins, NAN, &bets), -EINVAL);
    made_finish(&made);
}

/* --- bytes --- */

static void expect_same_bytes(const struct urn *a, const struct urn *b)
{
    const size_t size = drift_urn_save(a, NULL, 0);
    uint8_t *x = calloc(size, 1), *y = calloc(size, 1);
    assert_non_null(x);
    assert_non_null(y);
    assert_int_equal(drift_urn_save(a, x, size - 1), size);
    assert_int_equal(x[0], 0); /* one byte too few: nothing is written */
    assert_int_equal(drift_urn_save(a, x, size), size);
    assert_int_equal(drift_urn_save(b, y, size), size);
    assert_memory_equal(x, y, size);
    free(x);
    free(y);
}

/* A second urn of the same bins and bets, restored from the first one's bytes. */
static struct urn *copy_of(const struct made *made)
{
    struct urn *copy;
    const size_t size = drift_urn_save(made->urn, NULL, 0);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    assert_int_equal(drift_urn_create(&made->bins, made->bets, &copy), 0);
    assert_int_equal(drift_urn_save(made->urn, bytes, size), size);
    assert_int_equal(drift_urn_restore(copy, bytes, size), 0);
    bytes[size / 2] ^= 1;
    assert_int_equal(drift_urn_restore(copy, bytes, size), -EINVAL);
    assert_int_equal(drift_urn_restore(copy, bytes, size - 1), -EINVAL);
    free(bytes);
    expect_same_bytes(made->urn, copy);
    return copy;
}

static void test_restored_goes_on(void **state)
{
    (void)state;
    for (int i = 0; i <= URN_CASES; i++) {
        const struct urn_case *c = &urn_cases[i < URN_CASES ? i : URN_CASES - 1];
        uint64_t seed;
        struct made made;
        make_any(&made, i, &seed);
        feed(&made, c, &seed, 700, 0);
        drift_urn_hold(made.urn, i % 2 == 1);
        feed(&made, c, &seed, 200, 1);
        struct made copy = {made.bins, made.bets, copy_of(&made)};
        uint64_t other_seed = seed;
        feed(&made, c, &seed, 900, 1);
        feed(&copy, c, &other_seed, 900, 1);
        expect_same_bytes(made.urn, copy.urn);
        drift_urn_destroy(copy.urn);
        made_finish(&made);
    }
}

static void test_merge(void **state)
{
    (void)state;
    for (int i = 0; i <= URN_CASES; i++) {
        const struct urn_case *c = &urn_cases[i < URN_CASES ? i : URN_CASES - 1];
        uint64_t seed;
        struct made a;
        make_any(&a, i, &seed);
        struct made b = {a.bins, a.bets, copy_of(&a)};
        feed(&a, c, &seed, 500, 0);
        feed(&b, c, &seed, 300, 1);
        struct urn *a2 = copy_of(&a), *b2 = copy_of(&b);
        const double mean = (drift_urn_evidence(a.urn) + drift_urn_evidence(b.urn)) / 2;
        assert_int_equal(drift_urn_merge(a.urn, b.urn), 0);
        assert_near("evidence", (unsigned)i, drift_urn_evidence(a.urn), mean, 1e-5, 0);
        assert_int_equal(a.urn->rows, 800);
        assert_true(a.urn->total == a2->total + 300);
        assert_int_equal(drift_urn_merge(a2, b2), 0);
        expect_same_bytes(a.urn, a2);
        drift_urn_hold(b.urn, true);
        assert_int_equal(drift_urn_merge(a.urn, b.urn), -EINVAL);
        assert_int_equal(drift_urn_merge(a.urn, a.urn), -EINVAL);
        drift_urn_destroy(a2);
        drift_urn_destroy(b2);
        drift_urn_destroy(b.urn);
        made_finish(&a);
    }
}

static void replay(const char *path, const char *bytes, size_t length)
{
    (void)path;
    urn_state_replay((const uint8_t *)bytes, length);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("urn", replay) >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prototype),
        cmocka_unit_test(test_martingale),
        cmocka_unit_test(test_start_weights),
        cmocka_unit_test(test_tail_against_plain),
        cmocka_unit_test(test_rare_category_gains),
        cmocka_unit_test(test_hold_and_adopt),
        cmocka_unit_test(test_deviations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_restored_goes_on),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
