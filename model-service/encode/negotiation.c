/* negotiation.c - which exposition format a scraper's Accept header asks for.
 * Source: RFC 9110, sections 5.6, 8.3.1, 12.4.2 and 12.5.1. */
#include "encode/exposition.h"

#include <stdbool.h>
#include <string.h>

/* Borrowed bytes of the header. */
struct span {
    const char *start;
    size_t length;
};

static const struct {
    const char *type, *subtype, *version, *content_type;
} formats[] = {
    [EXPOSITION_TEXT] = {"text", "plain", "0.0.4", "text/plain; version=0.0.4; charset=utf-8"},
    [EXPOSITION_OPENMETRICS] = {"application", "openmetrics-text", "1.0.0",
                                "application/openmetrics-text; version=1.0.0; charset=utf-8"},
};

enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

enum specificity { NO_MATCH, ANY_TYPE, ANY_SUBTYPE, EXACT_TYPE, EXACT_VERSION };

/* One media range: type/subtype;version=..;q=.. */
struct range {
    struct span type, subtype, version;
    int q; /* thousandths */
};

/* The verdict on one format so far. */
struct preference {
    enum specificity specificity;
    int q;
};

const char *exposition_content_type(enum exposition_format format)
{
    return formats[format].content_type;
}

/* tolower() follows the locale, in which 'I' may not be 'i'. */
static bool equals(struct span span, const char *lower)
{
    for (size_t i = 0; i < span.length; i++) {
        char c = span.start[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != lower[i]) /* ends with a NUL, which cannot be in a header */
            return false;
    }
    return lower[span.length] == '\0';
}

static const char *skip_blanks(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static struct span take_token(const char **s)
{
    struct span span = {*s, 0};

    while (is_token(**s)) {
        ++*s;
        span.length++;
    }
    return span;
}

/* The inside of a quoted string with its escapes: none of the values we compare with has any. */
static bool take_quoted(const char **s, struct span *ret_span)
{
    const char *p = *s + 1;

    for (; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    if (*p != '"')
        return false;
    *ret_span = (struct span){*s + 1, (size_t)(p - *s - 1)};
    *s = p + 1;
    return true;
}

/* Thousandths of a weight: 0, 1, or either with up to three decimals; -1 if it is none. */
static int parse_q(struct span span)
{
    int q, unit = 1000;

    if (span.length == 0 || span.length > 5 || (span.start[0] != '0' && span.start[0] != '1') ||
        (span.length > 1 && span.start[1] != '.'))
        return -1;
    q = (span.start[0] - '0') * unit;
    for (size_t i = 2; i < span.length; i++) {
        if (span.start[i] < '0' || span.start[i] > '9')
            return -1;
        unit /= 10;
        q += (span.start[i] - '0') * unit;
    }
    return q <= 1000 ? q : -1;
}

/* One parameter after its semicolon; an empty one is allowed. False if malformed. */
static bool take_parameter(const char **s, struct range *range)
{
    struct span name, value;

    *s = skip_blanks(*s);
    name = take_token(s);
    if (name.length == 0)
        return true;
    if (**s != '=')
        return false;
    ++*s;
    if (**s == '"') {
        if (!take_quoted(s, &value))
            return false;
    } else {
        value = take_token(s);
    }
    if (value.length == 0)
        return false;
    if (equals(name, "version"))
        range->version = value;
    if (equals(name, "q"))
        range->q = parse_q(value);
    return range->q >= 0;
}

/* One element of the list, up to its comma or the end of the header. False if malformed. */
static bool take_range(const char **s, struct range *range)
{
    *range = (struct range){.q = 1000};
    range->type = take_token(s);
    if (**s != '/')
        return false;
    ++*s;
    range->subtype = take_token(s);
    for (*s = skip_blanks(*s); **s == ';'; *s = skip_blanks(*s)) {
        ++*s;
        if (!take_parameter(s, range))
            return false;
    }
    return range->type.length > 0 && range->subtype.length > 0 && (**s == ',' || **s == '\0');
}

/* Past the next comma that is not inside a quoted string. An unclosed string takes the rest
 * of the header with it: looking on inside would be quadratic. */
static const char *next_element(const char *s)
{
    struct span ignored;

    while (*s && *s != ',') {
        if (*s != '"')
            s++;
        else if (!take_quoted(&s, &ignored))
            return s + strlen(s);
    }
    return *s ? s + 1 : s;
}

static enum specificity match(const struct range *range, enum exposition_format format)
{
    if (equals(range->type, "*"))
        return equals(range->subtype, "*") ? ANY_TYPE : NO_MATCH;
    if (!equals(range->type, formats[format].type))
        return NO_MATCH;
    if (equals(range->subtype, "*"))
        return ANY_SUBTYPE;
    if (!equals(range->subtype, formats[format].subtype))
        return NO_MATCH;
    if (range->version.length == 0)
        return EXACT_TYPE;
    return equals(range->version, formats[format].version) ? EXACT_VERSION : NO_MATCH;
}

static void consider(const struct range *range, struct preference preferences[FORMATS])
{
    for (int f = 0; f < FORMATS; f++) {
        enum specificity specificity = match(range, (enum exposition_format)f);
        struct preference *preference = &preferences[f];

        if (specificity == NO_MATCH || specificity < preference->specificity)
            continue;
        if (specificity == preference->specificity && range->q <= preference->q)
            continue;
        *preference = (struct preference){specificity, range->q};
    }
}

enum exposition_format exposition_negotiate(const char *accept)
{
    struct preference preferences[FORMATS] = {{NO_MATCH, 0}};
    const struct preference *text = &preferences[EXPOSITION_TEXT];
    const struct preference *openmetrics = &preferences[EXPOSITION_OPENMETRICS];
    struct range range;

    for (const char *s = accept ? accept : ""; *(s = skip_blanks(s));) {
        const char *element = s;

        if (take_range(&s, &range))
            consider(&range, preferences);
        s = next_element(element);
    }
    if (openmetrics->q > text->q)
        return EXPOSITION_OPENMETRICS;
    if (openmetrics->q > 0 && openmetrics->q == text->q &&
        openmetrics->specificity > text->specificity)
        return EXPOSITION_OPENMETRICS;
    return EXPOSITION_TEXT;
}
