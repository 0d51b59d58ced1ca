/* example.c - watches one feature with libdrift.
 *
 *   cc example.c $(pkg-config --cflags --libs drift) -lm -o example
 *
 * The reference is 1000 values; 400 more arrive, from the 201st on shifted by half a deviation.
 * Prints D and its p-value as they go, and exits 0 if the shift was found and nothing before. */
#include <drift/drift.h>

#include <stdio.h>
#include <stdlib.h>

#define REFERENCE_ROWS 1000
#define OBSERVATIONS   400
#define WINDOW_ROWS    200
#define THRESHOLD      0.15
#define SIGNIFICANCE   0.001

/* Sum of twelve uniform numbers: close to a normal one, deviation 1. */
static double draw(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += rand() / (RAND_MAX + 1.0);
    return sum;
}

static int is_drifted(const struct feature_window *window, int step)
{
    double d, p;
    if (drift_feature_window_score(window, METHOD_KS_TEST, &d) != 0 ||
        drift_feature_window_p_value(window, METHOD_KS_TEST, d, &p) != 0)
        return 0;
    const int drifted = d > THRESHOLD && p < SIGNIFICANCE;
    if (step % 50 == 0)
        printf("%4d  D = %.3f  p = %.2g%s\n", step, d, p, drifted ? "  drifted" : "");
    return drifted;
}

static int watch(struct feature_window *window)
{
    int early = 0, late = 0;
    for (int step = 1; step <= OBSERVATIONS; step++) {
        const double shift = step > OBSERVATIONS / 2 ? 0.5 : 0;
        drift_feature_window_observe_number(window, draw() + shift, 0);
        if (step >= 50 && is_drifted(window, step))
            *(shift == 0 ? &early : &late) = 1;
    }
    return late && !early ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void)
{
    double rows[REFERENCE_ROWS];
    for (int i = 0; i < REFERENCE_ROWS; i++)
        rows[i] = draw();
    struct numeric_reference reference;
    if (drift_numeric_reference_init(&reference, rows, REFERENCE_ROWS, REFERENCE_DEFAULT_BINS, 0) !=
        0)
        return EXIT_FAILURE;
    const struct window_spec spec = {.kind = WINDOW_COUNT, .observations = WINDOW_ROWS};
    struct feature_window *window = NULL;
    int status = EXIT_FAILURE;
    if (drift_feature_window_create(&reference, NULL, &spec, &window) == 0)
        status = watch(window);
    drift_feature_window_destroy(window);
    drift_numeric_reference_finish(&reference);
    return status;
}
