/* html_check.h - what must hold for any HTML made from a client's message: tags of a fixed list,
 * closed in order, attributes of a fixed list, links that a browser may follow, and nothing else
 * that a browser would read as markup. */
#ifndef HTML_CHECK_H
#define HTML_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define HTML_CHECK_DEPTH 64

static const char *const html_tags[] = {"a",    "article", "b",     "blockquote", "code",
                                        "div",  "i",       "label", "pre",        "s",
                                        "span", "svg",     "time",  "input",      "rect"};
static const char *const html_void_tags[] = {"input", "rect"};
static const char *const html_attributes[] = {"class",  "href", "target",   "rel",        "id",
                                              "for",    "type", "title",    "aria-label", "width",
                                              "height", "fill", "datetime", "aria-hidden"};

#define HTML_HAS(list, text, bytes) html_has(list, sizeof(list) / sizeof((list)[0]), text, bytes)

static inline bool html_has(const char *const *list, size_t count, const char *text, size_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(list[i]) == bytes && memcmp(list[i], text, bytes) == 0)
            return true;
    }
    return false;
}

static inline bool html_link_is_safe(const char *value, size_t bytes)
{
    static const char *const schemes[] = {"http://", "https://", "mailto:"};
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(schemes[i]);
        if (bytes > length && memcmp(value, schemes[i], length) == 0)
            return true;
    }
    return false;
}

/* Reads ` name="value"`; returns past it, or NULL when it is not of that form or not allowed. */
static inline const char *html_attribute(const char *at, const char *end)
{
    const char *name = at + 1, *equals = memchr(at, '=', (size_t)(end - at));
    if (*at != ' ' || equals == NULL || end - equals < 3 || equals[1] != '"')
        return NULL;
    const char *value = equals + 2, *stop = memchr(value, '"', (size_t)(end - value));
    if (stop == NULL || !HTML_HAS(html_attributes, name, (size_t)(equals - name)))
        return NULL;
    for (const char *c = value; c < stop; c++) {
        if (*c == '<' || *c == '>' || *c == '\'')
            return NULL;
    }
    if (equals - name == 4 && memcmp(name, "href", 4) == 0 &&
        !html_link_is_safe(value, (size_t)(stop - value)))
        return NULL;
    return stop + 1;
}

/* NULL when the HTML is sound, else where it is not. */
static inline const char *html_fault(const char *html, size_t bytes)
{
    struct {
        const char *name;
        size_t bytes;
    } open[HTML_CHECK_DEPTH];
    size_t depth = 0;
    const char *end = html + bytes;
    for (const char *at = html; at < end; at++) {
        if (*at == '>' || *at == '"' || *at == '\'')
            return at;
        if (*at != '<')
            continue;
        const char *start = at++;
        bool closing = at < end && *at == '/';
        at += closing;
        size_t length = 0;
        while (at + length < end && at[length] >= 'a' && at[length] <= 'z')
            length++;
        if (!HTML_HAS(html_tags, at, length))
            return start;
        const char *name = at;
        at += length;
        while (at < end && *at == ' ') {
            at = html_attribute(at, end);
            if (at == NULL)
                return start;
        }
        at += at < end && *at == '/' && HTML_HAS(html_void_tags, name, length);
        if (at >= end || *at != '>')
            return start;
        if (HTML_HAS(html_void_tags, name, length))
            continue;
        if (!closing) {
            if (depth == HTML_CHECK_DEPTH)
                return start;
            open[depth].name = name;
            open[depth++].bytes = length;
        } else if (depth == 0 || open[--depth].bytes != length ||
                   memcmp(open[depth].name, name, length) != 0) {
            return start;
        }
    }
    return depth == 0 ? NULL : end;
}

#endif
