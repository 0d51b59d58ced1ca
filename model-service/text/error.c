/* error.c - see text/error.h. */
#include "text/error.h"

#include "text/excerpt.h"

#include <stdio.h>
#include <string.h>

#define CUT "..."

/* Makes a text that may have been cut fit to be shown. written: what vsnprintf() returned for it.
 */
static void finish(struct error *error, int written)
{
    if (written >= ERROR_BYTES)
        memcpy(error->text + ERROR_BYTES - sizeof(CUT), CUT, sizeof(CUT));
    excerpt_clean(error->text);
}

int error_vset(struct error *error, int rc, const char *format, va_list arguments)
{
    if (error)
        finish(error, vsnprintf(error->text, ERROR_BYTES, format, arguments));
    return rc;
}

int error_set(struct error *error, int rc, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    error_vset(error, rc, format, arguments);
    va_end(arguments);
    return rc;
}

int error_at(struct error *error, int rc, const char *format, ...)
{
    struct error place;
    va_list arguments;

    if (!error)
        return rc;
    const struct error before = *error;
    va_start(arguments, format);
    error_vset(&place, 0, format, arguments);
    va_end(arguments);
    finish(error, snprintf(error->text, ERROR_BYTES, "%s: %s", place.text, before.text));
    return rc;
}
