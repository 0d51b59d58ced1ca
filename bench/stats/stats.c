/* stats.c - what the statistics cost: time per observation, a full report, memory per feature.
 *
 * Run through bench/stats/bench.py, which adds SciPy's time for the same answers; alone it prints
 * lines of `name value unit`. Numbers are drawn before the clock starts. `bench-stats report` does
 * the report only, to count its instructions. */
#include "stats/drift.h"

#include <malloc.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OBSERVATIONS    1000000u
#define ROUNDS          5
#define REPORT_FEATURES 1000
#define REPORT_WINDOW   1000

struct size {
    size_t reference, window;
};

static const struct size sizes[] = {{1000, 200}, {1000, 1000}, {10000, 1000}, {100000, 1000}};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench-stats: %s failed\n", what);
    exit(EXIT_FAILURE);
}

static double uniform(void)
{
    static uint64_t state = 42;
    uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ z >> 31) >> 12) + 0.5) * 0x1p-52;
}

static double *normals(size_t count, double mean)
{
    double *x = malloc(count * sizeof(*x));
    if (x == NULL)
        fail("allocation");
    for (size_t i = 0; i < count; i++)
        x[i] = mean + sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
    return x;
}

static void make_reference(struct numeric_reference *ref, size_t rows)
{
    double *x = normals(rows, 0);
    if (drift_numeric_reference_init(ref, x, rows, REFERENCE_DEFAULT_BINS, 0) != 0)
        fail("numeric_reference_init");
    free(x);
}

static struct feature_window *make_window(const struct numeric_reference *ref,
                                          const struct window_spec *spec)
{
    struct feature_window *window;
    if (drift_feature_window_create(ref, NULL, spec, &window) != 0)
        fail("feature_window_create");
    return window;
}

/* Nanoseconds per observation with D read after each; *ret_sum keeps the reads alive. */
static double time_stream(struct feature_window *window, const double *x, size_t count,
                          int64_t step_ms, double *ret_sum)
{
    static int64_t now = 0;
    double sum = 0, d;
    const double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        drift_feature_window_observe_number(window, x[i], now += step_ms);
        if (drift_feature_window_score(window, METHOD_KS_TEST, &d) == 0)
            sum += d;
    }
    *ret_sum = sum;
    return (now_ns() - start) / (double)count;
}

static double best_stream(struct feature_window *window, const double *x, int64_t step_ms)
{
    double best = INFINITY, sum;
    (void)time_stream(window, x, OBSERVATIONS / ROUNDS, step_ms, &sum);
    for (size_t i = 0; i < ROUNDS; i++) {
        const size_t part = OBSERVATIONS / ROUNDS;
        const double ns = time_stream(window, x + i * part, part, step_ms, &sum);
        best = ns < best ? ns : best;
        if (!(sum > 0))
            fail("reading D");
    }
    return best;
}

static size_t allocated(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static double kib_since(size_t before)
{
    return (double)(allocated() - before) / 1024;
}

/* The reference and the window of one feature. Panes that were never used are reserved only. */
static void bench_memory(void)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        const size_t r = sizes[i].reference, w = sizes[i].window;
        const struct window_spec count = {.kind = WINDOW_COUNT, .observations = w};
        const struct window_spec duration = {.kind = WINDOW_DURATION, .duration_ms = 60000};
        struct numeric_reference ref;
        size_t before = allocated();
        make_reference(&ref, r);
        printf("memory_reference_R%zu_W%zu %.1f KiB\n", r, w, kib_since(before));
        before = allocated();
        struct feature_window *window = make_window(&ref, &count);
        printf("memory_count_R%zu_W%zu %.1f KiB\n", r, w, kib_since(before));
        drift_feature_window_destroy(window);
        before = allocated();
        window = make_window(&ref, &duration);
        printf("memory_duration_R%zu_W%zu %.1f KiB\n", r, w, kib_since(before));
        drift_feature_window_destroy(window);
        drift_numeric_reference_finish(&ref);
    }
}

static void bench_observe(const double *x)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct numeric_reference ref;
        make_reference(&ref, sizes[i].reference);
        const struct window_spec count = {.kind = WINDOW_COUNT, .observations = sizes[i].window};
        struct feature_window *window = make_window(&ref, &count);
        printf("observe_count_R%zu_W%zu %.1f ns\n", sizes[i].reference, sizes[i].window,
               best_stream(window, x, 0));
        drift_feature_window_destroy(window);
        /* As many observations at a time, in panes: one observation per millisecond. */
        const struct window_spec duration = {.kind = WINDOW_DURATION,
                                             .duration_ms = (int64_t)sizes[i].window};
        window = make_window(&ref, &duration);
        printf("observe_duration_R%zu_W%zu %.1f ns\n", sizes[i].reference, sizes[i].window,
               best_stream(window, x, 1));
        drift_feature_window_destroy(window);
        drift_numeric_reference_finish(&ref);
    }
}

__attribute__((noinline)) static double report(struct feature_window *const *windows)
{
    double sum = 0, score, p;
    for (size_t i = 0; i < REPORT_FEATURES; i++) {
        const struct window_moments moments = drift_feature_window_moments(windows[i]);
        sum += moments.mean + moments.deviation + moments.min + moments.max;
        sum += drift_feature_window_missing_p(windows[i]);
        for (int method = 0; method < METHOD_COUNT; method++) {
            if (drift_feature_window_score(windows[i], (enum drift_method)method, &score) != 0)
                continue;
            sum += score;
            if (drift_feature_window_p_value(windows[i], (enum drift_method)method, score, &p) == 0)
                sum += p;
        }
    }
    return sum;
}

static void bench_report(const double *x)
{
    static struct feature_window *windows[REPORT_FEATURES];
    struct numeric_reference ref;
    const struct window_spec spec = {.kind = WINDOW_COUNT, .observations = REPORT_WINDOW};
    double best = INFINITY;
    make_reference(&ref, 1000);
    for (size_t i = 0; i < REPORT_FEATURES; i++) {
        windows[i] = make_window(&ref, &spec);
        for (size_t j = 0; j < REPORT_WINDOW; j++)
            drift_feature_window_observe_number(windows[i], x[(i * 7 + j) % OBSERVATIONS], 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        const double start = now_ns();
        if (!isfinite(report(windows)))
            fail("report");
        const double ms = (now_ns() - start) / 1e6;
        best = ms < best ? ms : best;
    }
    printf("report_%d_features %.2f ms\n", REPORT_FEATURES, best);
    for (size_t i = 0; i < REPORT_FEATURES; i++)
        drift_feature_window_destroy(windows[i]);
    drift_numeric_reference_finish(&ref);
}

static double time_method(const struct feature_window *window, enum drift_method method)
{
    double score = 0, p = 0, sum = 0;
    const double start = now_ns();
    for (int i = 0; i < 1000; i++) {
        if (drift_feature_window_score(window, method, &score) == 0)
            sum += score;
        if (drift_feature_window_p_value(window, method, score, &p) == 0)
            sum += p;
    }
    if (!isfinite(sum))
        fail("score");
    return (now_ns() - start) / 1000;
}

static void bench_single_methods(const double *x)
{
    struct numeric_reference ref;
    const struct window_spec spec = {.kind = WINDOW_COUNT, .observations = REPORT_WINDOW};
    make_reference(&ref, 1000);
    struct feature_window *window = make_window(&ref, &spec);
    for (size_t j = 0; j < 2 * REPORT_WINDOW; j++)
        drift_feature_window_observe_number(window, x[j], 0);
    for (int method = 0; method < METHOD_COUNT; method++) {
        double best = INFINITY;
        for (int i = 0; i < ROUNDS; i++)
            best = fmin(best, time_method(window, (enum drift_method)method));
        if (drift_method_applies((enum drift_method)method, FEATURE_NUMERIC))
            printf("score_and_p_%s %.0f ns\n", drift_method_name((enum drift_method)method), best);
    }
    drift_feature_window_destroy(window);
    drift_numeric_reference_finish(&ref);
}

int main(int argc, char **argv)
{
    double *x = normals(OBSERVATIONS, 0.1);
    if (argc == 2 && strcmp(argv[1], "report") == 0) {
        bench_report(x);
        free(x);
        return EXIT_SUCCESS;
    }
    bench_memory();
    bench_observe(x);
    bench_single_methods(x);
    bench_report(x);
    free(x);
    return EXIT_SUCCESS;
}
