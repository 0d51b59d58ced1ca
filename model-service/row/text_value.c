/* text_value.c - fields as numbers, missing or infinite ones among them. */
#include "row/text_value.h"
#include "text/decimal.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **begin, const char **end)
{
    while (*begin < *end && is_blank(**begin))
        (*begin)++;
    while (*end > *begin && is_blank((*end)[-1]))
        (*end)--;
}

static bool parse_infinity(const char *p, const char *end, double *ret_value)
{
    bool negative = p < end && *p == '-';
    size_t bytes;

    p += p < end && (*p == '-' || *p == '+');
    bytes = (size_t)(end - p);
    if (!(bytes == 3 && strncasecmp(p, "inf", 3) == 0) &&
        !(bytes == 8 && strncasecmp(p, "infinity", 8) == 0))
        return false;
    *ret_value = negative ? -INFINITY : INFINITY;
    return true;
}

bool text_value_is_missing(const char *text, size_t bytes)
{
    static const char *const words[] = {"", "NA", "NaN", "nan", "null"};

    if (bytes > 4)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i]) == bytes && memcmp(words[i], text, bytes) == 0)
            return true;
    return false;
}

int text_value_number(const char *text, size_t bytes, double *ret_value)
{
    const char *begin = text, *end = text + bytes;
    int rc = decimal_number(text, bytes, ret_value);

    if (rc != -EINVAL)
        return rc;
    trim(&begin, &end);
    if (begin > text || end < text + bytes)
        rc = decimal_number(begin, (size_t)(end - begin), ret_value);
    if (rc != -EINVAL)
        return rc;
    if (!text_value_is_missing(begin, (size_t)(end - begin)))
        return parse_infinity(begin, end, ret_value) ? 0 : -EINVAL;
    *ret_value = NAN;
    return 0;
}
