/* test_exposition.c - both exposition formats against golden files, and content negotiation.
 * The golden files are held against promtool and Prometheus's Python parsers by
 * test_exposition_live.py. */
#include "encode/exposition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const struct metric_family drift_score = {
    "model_drift_score", METRIC_GAUGE, "",
    "Drift score; \"PSI\" or KS.\nSee C:\\docs \xe2\x89\xa5 1."};
static const struct metric_family predictions = {"model_predictions_total", METRIC_COUNTER, "",
                                                 "Predictions made."};
static const struct metric_family cpu = {"process_cpu_seconds_total", METRIC_COUNTER, "seconds",
                                         "CPU time used."};
static const struct metric_family latency = {"model_prediction_latency_seconds", METRIC_HISTOGRAM,
                                             "seconds", "Time to answer."};
static const struct metric_family values = {"model_feature_values", METRIC_HISTOGRAM, "",
                                            "Observations per reference bin."};
static const struct metric_family build = {"model_service_build_info", METRIC_INFO, "",
                                           "Version of the service."};
static const struct metric_family idle = {"model_window_observations", METRIC_GAUGE, "",
                                          "Of this family nothing is known yet."};

static void write_gauges(struct exposition *exposition)
{
    static const double scores[] = {0.123,  0,    -0.0, NAN,       INFINITY, -INFINITY, 1e-5,
                                    0.0001, 1e15, 1e16, 1234567.5, -2.5,     5e-324,    1e300};

    exposition_family(exposition, &drift_score);
    for (size_t i = 0; i < LENGTH(scores); i++) {
        char feature[16];
        struct metric_label labels[] = {{"feature", feature}, {"method", "ks_test"}};

        snprintf(feature, sizeof(feature), "f%zu", i);
        exposition_sample(exposition, labels, LENGTH(labels), scores[i]);
    }
    exposition_sample(
        exposition,
        &(struct metric_label){"feature", "a\\b \"c\"\nd, {e=\"f\"} \xc3\xa9 \xff|\xe2\x82"}, 1, 1);
}

static void write_counters(struct exposition *exposition)
{
    struct metric_label positive[] = {{"model", "fraud"}, {"prediction_class", "positive"}};
    struct metric_label negative[] = {{"model", "fraud"}, {"prediction_class", ""}};

    exposition_family(exposition, &predictions);
    exposition_sample(exposition, positive, 2, 1e6);
    exposition_count(exposition, negative, 2, UINT64_MAX);
    exposition_family(exposition, &cpu);
    exposition_sample(exposition, NULL, 0, 0.25);
}

static void write_histograms(struct exposition *exposition)
{
    static const double bounds[] = {0, 5e-5, 0.005, 0.25, 1, 10, 250000, 1e6, 12345678};
    static const uint64_t counts[] = {0, 1, 2, 3, 0, 0, 4, 5, 6, 7};
    static const double negative_bounds[] = {-2.5, -0.0, 1};
    static const uint64_t few[] = {1, 2, 3, 4};
    struct metric_label model = {"model", "fraud"};
    struct metric_label quoted = {"feature", "x \"1\""};
    struct metric_label named[] = {{"model", "fraud"}, {"feature", "no bins"}};

    exposition_family(exposition, &latency);
    exposition_histogram(exposition, &model, 1,
                         &(struct metric_histogram){bounds, counts, LENGTH(bounds), 12.75});
    exposition_histogram(exposition, NULL, 0, &(struct metric_histogram){bounds, few, 3, 0});
    exposition_family(exposition, &values);
    exposition_histogram(exposition, &quoted, 1,
                         &(struct metric_histogram){negative_bounds, few, 3, 12});
    exposition_histogram(exposition, named, 2, &(struct metric_histogram){NULL, counts + 9, 0, 7});
    exposition_histogram(exposition, &(struct metric_label){"feature", "negative sum"}, 1,
                         &(struct metric_histogram){negative_bounds + 2, few, 1, -1});
    exposition_histogram(exposition, &(struct metric_label){"feature", "unknown sum"}, 1,
                         &(struct metric_histogram){negative_bounds + 2, few, 1, NAN});
}

static void write_everything(struct buffer *out, enum exposition_format format)
{
    struct metric_label labels[] = {{"version", "0.1.0"}, {"revision", "1a2b3c4"}};
    struct exposition exposition;

    exposition_init(&exposition, out, format);
    write_gauges(&exposition);
    write_counters(&exposition);
    write_histograms(&exposition);
    exposition_family(&exposition, &build);
    exposition_sample(&exposition, labels, 2, 1);
    exposition_family(&exposition, &idle);
    exposition_finish(&exposition);
}

static char *read_golden(const char *name)
{
    char path[4096], *text = calloc(1, 65536);
    FILE *file;

    assert_non_null(text);
    snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIR, name);
    file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static void assert_golden(enum exposition_format format, const char *name)
{
    char *expected = read_golden(name), *text;
    struct buffer out;
    size_t length;

    buffer_init(&out, 0);
    write_everything(&out, format);
    assert_int_equal(buffer_take(&out, &text, &length), 0);
    assert_string_equal(text, expected);
    free(text);
    free(expected);
}

static void test_text(void **state)
{
    (void)state;
    assert_golden(EXPOSITION_TEXT, "exposition_text.txt");
}

static void test_openmetrics(void **state)
{
    (void)state;
    assert_golden(EXPOSITION_OPENMETRICS, "exposition_openmetrics.txt");
}

static void test_survives_failed_buffer(void **state)
{
    struct buffer out;
    char *text;
    size_t length;

    (void)state;
    buffer_init(&out, 0);
    assert_null(buffer_reserve(&out, SIZE_MAX));
    write_everything(&out, EXPOSITION_OPENMETRICS);
    assert_int_equal(buffer_take(&out, &text, &length), -ENOMEM);
}

static void test_content_types(void **state)
{
    (void)state;
    assert_string_equal(exposition_content_type(EXPOSITION_TEXT),
                        "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(exposition_content_type(EXPOSITION_OPENMETRICS),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

enum { TEXT = EXPOSITION_TEXT, OPEN = EXPOSITION_OPENMETRICS };

#define OM "application/openmetrics-text"
#define PROTOBUF                                                                                   \
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

static const struct {
    int format;
    const char *accept;
} negotiations[] = {
    {TEXT, NULL},
    {TEXT, ""},
    {TEXT, " , ,"},
    {TEXT, "*/*"},
    {TEXT, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
    {TEXT, "application/json"},
    {TEXT, "text/plain"},
    {TEXT, "text/*;q=0.1"},
    {OPEN, OM},
    {OPEN, "application/*"},
    /* Prometheus 2.42, taken from its binary */
    {OPEN, OM ";version=1.0.0," OM ";version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,"
              "*/*;q=0.1"},
    /* Prometheus 3, without and with protobuf, and with its text formats put first */
    {OPEN, OM ";version=1.0.0;escaping=allow-utf-8;q=0.5," OM ";version=0.0.1;q=0.4,"
              "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
              "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"},
    {OPEN, PROTOBUF ";q=0.6," OM ";version=1.0.0;escaping=allow-utf-8;q=0.5," OM
                    ";version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
                    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"},
    {TEXT, "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5," OM
           ";version=1.0.0;escaping=allow-utf-8;q=0.4," OM ";version=0.0.1;q=0.3,*/*;q=0.2"},
    /* versions we do not have */
    {TEXT, OM ";version=0.0.1"},
    {TEXT, OM ";version=2.0.0,text/plain;q=0.1"},
    {OPEN, "text/plain;version=1.0.0, " OM ";q=0.1"},
    /* weights */
    {TEXT, OM ";q=0.4, text/plain;q=0.5"},
    {OPEN, OM ";q=0.501, text/plain;q=0.5"},
    {OPEN, OM "; q=1.000 , text/plain;q=0.999"},
    {OPEN, "text/plain;q=0.5," OM ";q=0.6"},
    {TEXT, OM ";q=0"},
    {TEXT, OM ";q=0,*/*"},
    {OPEN, "text/plain;q=0, */*"},
    {TEXT, OM ";q=0.000, text/plain;q=0"},
    /* the most specific range decides, wherever it stands */
    {TEXT, "*/*;q=1," OM ";q=0.1"},
    {TEXT, OM ";version=1.0.0;q=0.1," OM ";q=1,text/plain;q=0.5"},
    {OPEN, "text/*;q=0.9,text/plain;q=0.1," OM ";q=0.5"},
    {OPEN, "text/plain;q=0.1," OM ";q=0.2,*/*"},
    /* equal weights */
    {TEXT, OM ", text/plain"},
    {TEXT, "text/plain, " OM},
    {OPEN, OM ", */*"},
    {OPEN, OM ";version=1.0.0, text/plain"},
    /* spelling */
    {OPEN, "Application/OpenMetrics-Text; Version=1.0.0; Q=0.5"},
    {OPEN, OM " ; version=\"1.0.0\" ; charset=utf-8 ;"},
    {OPEN, "text/plain;note=\"a,b;q=0\";q=0.3," OM ";q=0.5"},
    {TEXT, "text/plain;note=\"\\\"," OM ",\";q=0.3," OM ";q=0.2"},
    /* malformed ranges are skipped */
    {TEXT, OM ";q=2"},
    {TEXT, OM ";q=1.001"},
    {TEXT, OM ";q=0.1234"},
    {TEXT, OM ";q=-1"},
    {TEXT, OM ";q=.5"},
    {TEXT, OM ";q=0.5x"},
    {TEXT, OM ";q="},
    {TEXT, OM ";q"},
    {TEXT, OM "/x"},
    {TEXT, OM " x"},
    {TEXT, "*/openmetrics-text"},
    {TEXT, "application"},
    {TEXT, "/" OM},
    {OPEN, "text/plain;q=1;q=x," OM ";q=0.1"},
    {OPEN, "text plain, " OM ";q=0.1"},
    {TEXT, "text/plain;q=0.1;a=\"never closed, " OM},
    {TEXT, "text/plain;a=\"\\"},
};

static void test_negotiation(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(negotiations); i++)
        if ((int)exposition_negotiate(negotiations[i].accept) != negotiations[i].format)
            fail_msg("Accept: %s", negotiations[i].accept);
}

/* Every prefix of every header is read without a fault; the sanitizers watch. */
static void test_negotiation_of_truncated_headers(void **state)
{
    (void)state;
    for (size_t i = 1; i < LENGTH(negotiations); i++) {
        size_t length = strlen(negotiations[i].accept);

        for (size_t cut = 0; cut <= length; cut++) {
            char *header = strndup(negotiations[i].accept, cut);
            int format;

            assert_non_null(header);
            format = (int)exposition_negotiate(header);
            assert_in_range(format, TEXT, OPEN);
            free(header);
        }
    }
}

/* A tool to renew the golden files: test_exposition --print text|openmetrics. */
static int print_everything(enum exposition_format format)
{
    struct buffer out;
    char *text;
    size_t length;

    buffer_init(&out, 0);
    write_everything(&out, format);
    if (buffer_take(&out, &text, &length) < 0)
        return 1;
    fwrite(text, 1, length, stdout);
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_openmetrics),
        cmocka_unit_test(test_survives_failed_buffer),
        cmocka_unit_test(test_content_types),
        cmocka_unit_test(test_negotiation),
        cmocka_unit_test(test_negotiation_of_truncated_headers),
    };

    if (argc == 3 && strcmp(argv[1], "--print") == 0)
        return print_everything(strcmp(argv[2], "text") == 0 ? EXPOSITION_TEXT
                                                             : EXPOSITION_OPENMETRICS);
    return cmocka_run_group_tests_name("exposition", tests, NULL, NULL);
}
