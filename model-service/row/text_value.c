/* text_value.c - see the header. */
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

/* Whether the text is one of the words. */
static bool is_one_of(const char *text, size_t bytes, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == bytes && memcmp(words[i], text, bytes) == 0)
            return true;
    return false;
}

bool text_value_is_missing(const char *text, size_t bytes)
{
    static const char *const words[] = {"", "NA", "NaN", "nan", "null"};

    return bytes <= 4 && is_one_of(text, bytes, words, sizeof(words) / sizeof(words[0]));
}

bool text_value_boolean(const char *text, size_t bytes, bool *ret_value)
{
    static const char *const yes[] = {"true", "True", "TRUE"};
    static const char *const no[] = {"false", "False", "FALSE"};

    if (bytes < 4 || bytes > 5 || !is_one_of(text, bytes, bytes == 4 ? yes : no, 3))
        return false;
    *ret_value = bytes == 4;
    return true;
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
