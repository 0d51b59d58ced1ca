/* Unit tests of text/timestamp.c, against timegm(). */
#include "text/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

static void forms(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-31T12:00:00Z", 1769860800000},
        {"2026-01-31t12:00:00z", 1769860800000},
        {"2026-01-31 12:00:00Z", 1769860800000},
        {"2026-01-31T12:00:00.5Z", 1769860800500},
        {"2026-01-31T12:00:00.123999999999Z", 1769860800123},
        {"2026-01-31T13:30:00+01:30", 1769860800000},
        {"2026-01-31T11:00:00.000-01:00", 1769860800000},
        {"2026-01-31T12:00:00-00:00", 1769860800000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"1969-12-31T23:59:59.999Z", -1},
        {"0000-01-01T00:00:00Z", -62167219200000},
        {"9999-12-31T23:59:59Z", 253402300799000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = 7;
        assert_true(timestamp_parse(cases[i].text, strlen(cases[i].text), &ms));
        assert_int_equal(ms, cases[i].ms);
    }
}

static void refused(void **state)
{
    static const char *const cases[] = {
        "",
        "yesterday",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00+0100",
        "2026-01-31T12:00:00+01",
        "2026-01-31T12:00:00Z ",
        "2026-13-31T12:00:00Z",
        "2026-00-31T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "2026-04-31T12:00:00Z",
        "2026-01-00T12:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:61Z",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00+01:60",
        "2026-01-31T12:00:00+01-00",
        "1900-02-29T00:00:00Z",
        "2026/01/31T12:00:00Z",
        "2026-01-31T12.00.00Z",
        "-026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.5",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = 7;
        if (timestamp_parse(cases[i], strlen(cases[i]), &ms))
            fail_msg("%s was taken", cases[i]);
        assert_int_equal(ms, 7);
    }
}

static void every_day(void **state)
{
    char text[64];
    (void)state;
    for (time_t day = -719528; day < 2932897; day += 13) { /* the years 0 to 9999 */
        const time_t seconds = day * 86400;
        struct tm utc;
        int64_t ms;
        gmtime_r(&seconds, &utc);
        const int bytes = snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z",
                                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
        assert_true(timestamp_parse(text, (size_t)bytes, &ms));
        assert_int_equal(ms, (int64_t)seconds * 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(refused),
        cmocka_unit_test(every_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
