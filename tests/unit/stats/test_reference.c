/* test_reference.c - distinct values, cells, bins, compression and dictionaries. */
#include "random_stream.h"
#include "stats/ks.h"
#include "stats/number_sort.h"
#include "stats/reference.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct numeric_reference make(const double *rows, size_t count, size_t bins,
                                     size_t resolution)
{
    struct numeric_reference ref;
    assert_int_equal(drift_numeric_reference_init(&ref, rows, count, bins, resolution), 0);
    return ref;
}

/* The linear definition of a cell. */
static uint32_t cell_of(const struct numeric_reference *ref, double x)
{
    uint32_t cell = 0;
    for (size_t i = 0; i < ref->distinct; i++) {
        if (ref->value[i] < x)
            cell += 2;
        else if (ref->value[i] == x)
            return cell + 1;
    }
    return cell;
}

static void check_counts(const struct numeric_reference *ref)
{
    uint64_t finite = 0, binned = 0;
    for (size_t i = 0; i < ref->distinct; i++) {
        assert_true(ref->count[i] > 0);
        assert_true(i == 0 || ref->value[i - 1] < ref->value[i]);
        assert_true(ref->value[i] != 0 || !signbit(ref->value[i]));
        finite += ref->count[i];
    }
    assert_int_equal(finite, ref->finite_rows);
    assert_int_equal(ref->rows, finite + ref->missing_rows + ref->positive_infinite_rows +
                                    ref->negative_infinite_rows);
    for (size_t i = 0; i < ref->bins; i++)
        binned += ref->bin_count[i];
    assert_int_equal(binned, ref->rows);
    assert_true(ref->bins <= REFERENCE_MAX_HISTOGRAM);
}

/* Every quantile bin holds at most twice its share, or is one value. */
static void check_bin_masses(const struct numeric_reference *ref, size_t bins)
{
    size_t members[REFERENCE_MAX_HISTOGRAM] = {0};
    for (size_t i = 0; i < ref->distinct; i++)
        members[ref->bin_of_cell[2 * i + 1]]++;
    for (size_t i = 0; i + 2 < ref->bins; i++) {
        assert_true(members[i] > 0 || ref->bin_count[i] == 0);
        if (members[i] > 1)
            assert_true(ref->bin_count[i] * bins < 3 * ref->finite_rows);
    }
    for (size_t i = 0; i < ref->distinct; i++) {
        const int heavy = ref->count[i] * bins >= ref->finite_rows;
        if (heavy)
            assert_int_equal(members[ref->bin_of_cell[2 * i + 1]], 1);
    }
}

static void check_cells(const struct numeric_reference *ref, uint64_t *seed, int shape)
{
    for (int i = 0; i < 200; i++) {
        const double x = i % 2 == 0 && ref->distinct > 0
                             ? ref->value[random_below(seed, ref->distinct)]
                             : random_value(seed, shape);
        if (isfinite(x))
            assert_int_equal(drift_numeric_reference_cell(ref, x), cell_of(ref, x));
    }
}

static void test_random_references(void **state)
{
    (void)state;
    uint64_t seed = 31;
    for (int round = 0; round < 300; round++) {
        const int shape = round % STREAM_SHAPES;
        const size_t count = 1 + random_below(&seed, round % 5 == 0 ? 5 : 2000);
        const size_t bins = 2 + random_below(&seed, REFERENCE_MAX_BINS - 1);
        double *rows = random_values(&seed, shape, count);
        struct numeric_reference ref = make(rows, count, bins, 0);
        assert_true(ref.compression_bound == 0);
        check_counts(&ref);
        check_bin_masses(&ref, bins);
        check_cells(&ref, &seed, shape);
        drift_numeric_reference_finish(&ref);
        free(rows);
    }
}

static void test_quantile_bins(void **state)
{
    (void)state;
    double rows[1000];
    for (int i = 0; i < 1000; i++)
        rows[i] = (i * 7) % 1000;
    struct numeric_reference ref = make(rows, 1000, 10, 0);
    assert_int_equal(ref.bins, 12);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ref.bin_count[i], 100);
    assert_int_equal(ref.bin_of_cell[drift_numeric_reference_cell(&ref, 99)], 0);
    /* A bin ends on its last value: just above begins the next. */
    assert_int_equal(ref.bin_of_cell[drift_numeric_reference_cell(&ref, 99.5)], 1);
    assert_int_equal(ref.bin_of_cell[drift_numeric_reference_cell(&ref, -1e9)], 0);
    assert_int_equal(ref.bin_of_cell[drift_numeric_reference_cell(&ref, 1e9)], 9);
    assert_int_equal(ref.bin_of_cell[drift_numeric_reference_classify(&ref, NAN)], ref.missing_bin);
    assert_int_equal(ref.bin_of_cell[drift_numeric_reference_classify(&ref, INFINITY)],
                     ref.infinite_bin);
    assert_int_equal(ref.bin_of_cell[drift_numeric_reference_classify(&ref, -INFINITY)],
                     ref.infinite_bin);
    drift_numeric_reference_finish(&ref);
}

static size_t bin_at(const struct numeric_reference *ref, double x)
{
    return ref->bin_of_cell[drift_numeric_reference_cell(ref, x)];
}

static void test_constant_has_below_and_above(void **state)
{
    (void)state;
    const double rows[] = {3, 3, 3};
    struct numeric_reference ref = make(rows, 3, 10, 0);
    assert_int_equal(ref.bins, 5);
    assert_int_equal(bin_at(&ref, 2), 0);
    assert_int_equal(bin_at(&ref, 3), 1);
    assert_int_equal(bin_at(&ref, 4), 2);
    assert_int_equal(ref.bin_count[1], 3);
    assert_true(ref.mean == 3 && ref.deviation == 0 && ref.min == 3 && ref.max == 3);
    drift_numeric_reference_finish(&ref);
}

static void test_heavy_values(void **state)
{
    (void)state;
    /* 0 and 1 are heavy and adjacent; 2, 3, 4, 5 are light and share one quantile bin. */
    const double rows[] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 4, 5};
    struct numeric_reference ref = make(rows, 12, 3, 0);
    assert_int_equal(bin_at(&ref, -1), 0);
    assert_int_equal(bin_at(&ref, 0), 1);
    assert_int_equal(bin_at(&ref, 1), 2);
    assert_int_equal(bin_at(&ref, 2), 3);
    assert_int_equal(bin_at(&ref, 1.5), 3);
    assert_int_equal(bin_at(&ref, 6), 3);
    assert_int_equal(bin_at(&ref, 0.5), 4);
    assert_int_equal(ref.missing_bin, 5);
    assert_int_equal(ref.bins, 7);
    drift_numeric_reference_finish(&ref);
}

static void test_all_missing_and_one_row(void **state)
{
    (void)state;
    const double missing[] = {NAN, NAN, INFINITY, -INFINITY}, one[] = {-0.0};
    struct numeric_reference ref = make(missing, 4, 10, 0);
    assert_int_equal(ref.distinct, 0);
    assert_int_equal(ref.bins, 3);
    assert_int_equal(ref.missing_rows, 2);
    assert_int_equal(ref.bin_count[ref.infinite_bin], 2);
    assert_int_equal(drift_numeric_reference_cell(&ref, 1), 0);
    assert_true(isnan(ref.mean) && isnan(ref.min) &&
                isnan(drift_numeric_reference_quantile(&ref, 0.5)));
    drift_numeric_reference_finish(&ref);
    ref = make(one, 1, 10, 0);
    assert_int_equal(ref.distinct, 1);
    assert_true(ref.mean == 0 && isnan(ref.deviation) && !signbit(ref.value[0]));
    drift_numeric_reference_finish(&ref);
}

static void test_quantiles(void **state)
{
    (void)state;
    const double rows[] = {4, 1, 3, 2};
    struct numeric_reference ref = make(rows, 4, 2, 0);
    assert_true(drift_numeric_reference_quantile(&ref, 0) == 1);
    assert_true(drift_numeric_reference_quantile(&ref, 0.25) == 1);
    assert_true(drift_numeric_reference_quantile(&ref, 0.26) == 2);
    assert_true(drift_numeric_reference_quantile(&ref, 1) == 4);
    assert_true(isnan(drift_numeric_reference_quantile(&ref, 1.5)));
    assert_true(isnan(drift_numeric_reference_quantile(&ref, NAN)));
    drift_numeric_reference_finish(&ref);
}

/* The rows a compressed reference stands for. */
static double *expand(const struct numeric_reference *ref)
{
    double *rows = calloc(ref->finite_rows, sizeof(*rows));
    assert_non_null(rows);
    size_t at = 0;
    for (size_t i = 0; i < ref->distinct; i++)
        for (uint32_t j = 0; j < ref->count[i]; j++)
            rows[at++] = ref->value[i];
    return rows;
}

static void test_compression_bound(void **state)
{
    (void)state;
    uint64_t seed = 32;
    for (int round = 0; round < 100; round++) {
        const int shape = round % STREAM_CONSTANT;
        const size_t n = 50 + random_below(&seed, 3000), m = 1 + random_below(&seed, 300);
        const size_t resolution = 2 + random_below(&seed, 200);
        double *rows = random_values(&seed, shape, n), *cur = random_values(&seed, shape, m);
        struct numeric_reference ref = make(rows, n, 10, resolution);
        check_counts(&ref);
        assert_true(ref.distinct <= resolution);
        assert_true(ref.compression_bound < 1.0 / (double)(resolution - 1));
        qsort(rows, n, sizeof(*rows), compare_values);
        qsort(cur, m, sizeof(*cur), compare_values);
        assert_true(ref.value[0] == rows[0] && ref.value[ref.distinct - 1] == rows[n - 1]);
        double exact, compressed, *expanded = expand(&ref);
        assert_int_equal(drift_ks_distance(rows, n, cur, m, &exact), 0);
        assert_int_equal(drift_ks_distance(expanded, n, cur, m, &compressed), 0);
        if (fabs(exact - compressed) > ref.compression_bound + 1e-15)
            fail_msg("D %g became %g, bound %g", exact, compressed, ref.compression_bound);
        drift_numeric_reference_finish(&ref);
        free(rows);
        free(cur);
        free(expanded);
    }
}

static void test_numeric_bad_arguments(void **state)
{
    (void)state;
    const double row = 1;
    struct numeric_reference ref;
    assert_int_equal(drift_numeric_reference_init(&ref, &row, 0, 10, 0), -EINVAL);
    assert_int_equal(drift_numeric_reference_init(&ref, NULL, 1, 10, 0), -EINVAL);
    assert_int_equal(drift_numeric_reference_init(&ref, &row, 1, 1, 0), -EINVAL);
    assert_int_equal(drift_numeric_reference_init(&ref, &row, 1, REFERENCE_MAX_BINS + 1, 0),
                     -EINVAL);
    assert_int_equal(drift_numeric_reference_init(&ref, &row, 1, 10, 1), -EINVAL);
    assert_int_equal(drift_numeric_reference_init(&ref, &row, (size_t)UINT32_MAX + 1, 10, 0),
                     -EINVAL);
    drift_numeric_reference_finish(NULL);
}

static void test_dictionary(void **state)
{
    (void)state;
    const char *rows[] = {"b", "a", "c", "b", NULL, "", "a", "d"};
    struct categorical_reference ref;
    assert_int_equal(drift_categorical_reference_init(&ref, rows, 8, 3), 0);
    assert_int_equal(ref.categories, 3);
    assert_string_equal(ref.name[0], "a");
    assert_string_equal(ref.name[1], "b");
    assert_string_equal(ref.name[2], "");
    assert_int_equal(ref.rare_categories, 2);
    const uint64_t counts[] = {2, 2, 1, 2, 0, 1};
    assert_memory_equal(ref.bin_count, counts, sizeof(counts));
    assert_int_equal(drift_categorical_reference_code(&ref, "b", 1), 1);
    assert_int_equal(drift_categorical_reference_code(&ref, "", 0), 2);
    assert_int_equal(drift_categorical_reference_code(&ref, "ab", 1), 0);
    assert_int_equal(drift_categorical_reference_code(&ref, "a\0b", 3),
                     categorical_code_unseen(&ref));
    assert_int_equal(drift_categorical_reference_code(&ref, "c", 1), categorical_code_rare(&ref));
    assert_int_equal(drift_categorical_reference_code(&ref, NULL, 0),
                     categorical_code_missing(&ref));
    drift_categorical_reference_finish(&ref);
}

static void test_many_categories(void **state)
{
    (void)state;
    static char names[5000][8];
    static const char *rows[5000];
    for (int i = 0; i < 5000; i++) {
        snprintf(names[i], sizeof(names[i]), "%d", i % 1500);
        rows[i] = names[i];
    }
    struct categorical_reference ref;
    assert_int_equal(drift_categorical_reference_init(&ref, rows, 5000, REFERENCE_MAX_CATEGORIES),
                     0);
    assert_int_equal(ref.categories, 1000);
    assert_int_equal(ref.rare_categories, 500);
    uint64_t total = 0;
    for (size_t i = 0; i < ref.categories + 3; i++)
        total += ref.bin_count[i];
    assert_int_equal(total, 5000);
    for (uint32_t i = 0; i < ref.categories; i++)
        assert_int_equal(drift_categorical_reference_code(&ref, ref.name[i], strlen(ref.name[i])),
                         i);
    for (int i = 0; i < 5000; i++) /* every one of them is known, kept or rare */
        assert_in_range(drift_categorical_reference_code(&ref, names[i], strlen(names[i])), 0,
                        categorical_code_rare(&ref));
    assert_int_equal(drift_categorical_reference_code(&ref, "1500", 4),
                     categorical_code_unseen(&ref));
    drift_categorical_reference_finish(&ref);
}

/* The same reference from counts, with a name that comes in parts and more names than are kept. */
static void test_counted_categories(void **state)
{
    (void)state;
    static const struct counted_category counts[] = {
        {"b", 3}, {"a", 2}, {"rare", 1}, {"a", 1}, {"c", 4}};
    static const char *const rows[] = {"c", NULL, "a", "b", "c", "a", "rare",
                                       "b", "c",  "a", "b", "c", NULL};
    struct categorical_reference counted, ref;
    assert_int_equal(drift_categorical_reference_init_counted(&counted, counts, 5, 2, 3), 0);
    assert_int_equal(drift_categorical_reference_init(&ref, rows, 13, 3), 0);
    assert_int_equal(counted.fingerprint, ref.fingerprint);
    assert_int_equal(counted.rows, 13);
    assert_int_equal(counted.missing_rows, 2);
    assert_int_equal(counted.rare_categories, 1);
    assert_string_equal(counted.name[1], "a"); /* three rows, as "b" has */
    assert_int_equal(counted.once, ref.once);
    drift_categorical_reference_finish(&counted);
    drift_categorical_reference_finish(&ref);

    assert_int_equal(drift_categorical_reference_init_counted(&ref, NULL, 0, 0, 3), -EINVAL);
    static const struct counted_category many[] = {{"a", REFERENCE_MAX_ROWS}, {"b", UINT64_MAX}};
    assert_int_equal(drift_categorical_reference_init_counted(&ref, many, 1, 1, 3), -EINVAL);
    assert_int_equal(drift_categorical_reference_init_counted(&ref, many, 2, 0, 3), -EINVAL);
    assert_int_equal(drift_categorical_reference_init_counted(&ref, NULL, 0, 4, 3), 0);
    assert_int_equal(ref.bin_count[categorical_code_missing(&ref)], 4);
    drift_categorical_reference_finish(&ref);
}

static void test_categorical_bad_arguments(void **state)
{
    (void)state;
    const char *row = "a";
    struct categorical_reference ref;
    assert_int_equal(drift_categorical_reference_init(&ref, &row, 0, 10), -EINVAL);
    assert_int_equal(drift_categorical_reference_init(&ref, &row, 1, 0), -EINVAL);
    assert_int_equal(drift_categorical_reference_init(&ref, &row, 1, REFERENCE_MAX_CATEGORIES + 1),
                     -EINVAL);
    row = NULL;
    assert_int_equal(drift_categorical_reference_init(&ref, &row, 1, 10), 0);
    assert_int_equal(ref.categories, 0);
    assert_int_equal(ref.bin_count[categorical_code_missing(&ref)], 1);
    assert_int_equal(drift_categorical_reference_code(&ref, "a", 1), categorical_code_unseen(&ref));
    drift_categorical_reference_finish(&ref);
    drift_categorical_reference_finish(NULL);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* By digits as by comparing, for few numbers and for many; which zero comes first does not matter.
 */
static void test_sort(void **state)
{
    static const size_t counts[] = {0, 1, 2, 3, 100, 5999, 6000, 20000};
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++)
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
            const size_t count = counts[c];
            double *by_digits = calloc(3 * count + 1, sizeof(double));
            double *compared = calloc(count + 1, sizeof(double));
            uint64_t stream = seed;
            assert_true(by_digits && compared);
            for (size_t i = 0; i < count; i++) {
                double x = seed % 3 == 0   ? random_normal(&stream)
                           : seed % 3 == 1 ? (double)random_below(&stream, 9) - 4
                                           : random_dirty(&stream);
                x = isnan(x) ? -0.0 : x;
                by_digits[i] = compared[i] = x;
            }
            drift_number_sort(by_digits, count, (uint64_t *)(by_digits + count));
            qsort(compared, count, sizeof(*compared), ascending);
            for (size_t i = 0; i < count; i++)
                assert_true(by_digits[i] == compared[i]);
            free(by_digits);
            free(compared);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_references),
        cmocka_unit_test(test_quantile_bins),
        cmocka_unit_test(test_constant_has_below_and_above),
        cmocka_unit_test(test_heavy_values),
        cmocka_unit_test(test_all_missing_and_one_row),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_compression_bound),
        cmocka_unit_test(test_numeric_bad_arguments),
        cmocka_unit_test(test_dictionary),
        cmocka_unit_test(test_many_categories),
        cmocka_unit_test(test_counted_categories),
        cmocka_unit_test(test_categorical_bad_arguments),
        cmocka_unit_test(test_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
