/* error.c - see text/error.h. */
#include "text/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CUT "..."

/* Marks a text that did not fit. written: what vsnprintf() returned for it. */
static void mark_cut(char *text, int written)
{
    if (written >= ERROR_BYTES)
        memcpy(text + ERROR_BYTES - sizeof(CUT), CUT, sizeof(CUT));
}

int error_set(struct error *error, int rc, const char *format, ...)
{
    va_list arguments;

    if (!error)
        return rc;
    va_start(arguments, format);
    mark_cut(error->text, vsnprintf(error->text, ERROR_BYTES, format, arguments));
    va_end(arguments);
    return rc;
}

int error_at(struct error *error, int rc, const char *format, ...)
{
    const struct error before = error ? *error : (struct error){{0}};
    char place[ERROR_BYTES];
    va_list arguments;

    if (!error)
        return rc;
    va_start(arguments, format);
    vsnprintf(place, sizeof(place), format, arguments);
    va_end(arguments);
    mark_cut(error->text, snprintf(error->text, ERROR_BYTES, "%s: %s", place, before.text));
    return rc;
}
