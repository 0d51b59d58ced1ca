/* timestamp.c - RFC 3339 date-times. */
#include "text/timestamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
/* YYYY-MM-DDTHH:MM:SS */
#define DATE_TIME_BYTES 19
#define OFFSET_BYTES    6 /* +HH:MM */

/* Digits as a number, or -1. */
static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 in the Gregorian calendar; years from March, so that a leap day is last. */
static int64_t days_since_epoch(int year, int month, int day)
{
    const int64_t y = month > 2 ? year : year - 1;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    /* 400 * 365 + 97 days in 400 years; shifted by one such era to stay positive */
    const int64_t shifted = y + 400;
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 146097 -
           719468;
}

static bool parse_date(const char *text, int64_t *ret_days)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    if (year < 0 || text[4] != '-' || text[7] != '-' || month < 1 || month > 12 || day < 1 ||
        day > month_days[month - 1] + (month == 2 && is_leap(year)))
        return false;
    *ret_days = days_since_epoch(year, month, day);
    return true;
}

static bool parse_time(const char *text, int64_t *ret_seconds)
{
    const int hour = digits(text, 2), minute = digits(text + 3, 2), second = digits(text + 6, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 ||
        text[2] != ':' || text[5] != ':')
        return false;
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

/* ".123456": the milliseconds; the end of the digits, NULL without any. */
static const char *parse_fraction(const char *text, const char *end, int64_t *ret_ms)
{
    const char *p = text + 1;
    int64_t scale = 100;
    *ret_ms = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        *ret_ms += scale * (*p - '0');
        scale /= 10;
    }
    return p > text + 1 ? p : NULL;
}

static bool parse_offset(const char *text, const char *end, int64_t *ret_seconds)
{
    *ret_seconds = 0;
    if (end - text == 1)
        return *text == 'Z' || *text == 'z';
    if (end - text != OFFSET_BYTES || (*text != '+' && *text != '-') || text[3] != ':')
        return false;
    const int hours = digits(text + 1, 2), minutes = digits(text + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *ret_seconds = (hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
    return true;
}

bool timestamp_parse(const char *text, size_t bytes, int64_t *ret_ms)
{
    const char *at = text + DATE_TIME_BYTES, *end = text + bytes;
    int64_t days, seconds, ms = 0, offset;
    if (bytes <= DATE_TIME_BYTES || (text[10] != 'T' && text[10] != 't' && text[10] != ' ') ||
        !parse_date(text, &days) || !parse_time(text + 11, &seconds))
        return false;
    if (*at == '.')
        at = parse_fraction(at, end, &ms);
    if (!at || !parse_offset(at, end, &offset))
        return false;
    *ret_ms = (days * 86400 + seconds - offset) * 1000 + ms;
    return true;
}

bool timestamp_parse_plain(const char *text, size_t bytes, int64_t *ret_ms)
{
    static const char *const endings[] = {"", "Z", "T00:00:00Z"};
    char whole[TIMESTAMP_BYTES + sizeof("T00:00:00Z")];
    if (bytes > TIMESTAMP_BYTES)
        return false;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        const size_t ending = strlen(endings[i]);
        memcpy(whole, text, bytes);
        memcpy(whole + bytes, endings[i], ending);
        if (timestamp_parse(whole, bytes + ending, ret_ms))
            return true;
    }
    return false;
}

void timestamp_format(int64_t ms, char text[TIMESTAMP_BYTES])
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    const size_t length = strftime(text, TIMESTAMP_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, TIMESTAMP_BYTES - length, ".%03dZ", (int)(ms % 1000));
}
