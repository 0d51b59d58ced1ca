/* error.h - what went wrong, as one sentence for the person who can mend it.
 *
 * A function that can fail for a reason outside the program takes a `struct error *` beside its
 * negative errno. The sentence is written on failure only and says where (file, line, member or
 * feature) before it says what: "drift.yml: line 3: models[0].name: expected a text". */
#ifndef TEXT_ERROR_H
#define TEXT_ERROR_H

#include <stdarg.h>

/* Longest sentence; what is longer is cut between two characters and ends with "...". A place (a
 * path, a feature's name) of a usual length and two sentences fit. */
#define ERROR_BYTES 800

struct error {
    char text[ERROR_BYTES];
};

/* Writes the sentence; bytes that are not UTF-8 and control characters become '?'. Returns rc, so
 * that a caller may end with `return error_set(error, -EINVAL, "...")`. If error is NULL,
 * nothing is written. */
__attribute__((format(printf, 3, 4))) int error_set(struct error *error, int rc, const char *format,
                                                    ...);

__attribute__((format(printf, 3, 0))) int error_vset(struct error *error, int rc,
                                                     const char *format, va_list arguments);

/* Puts the place and ": " before the sentence that is there. Returns rc. error may be NULL. */
__attribute__((format(printf, 3, 4))) int error_at(struct error *error, int rc, const char *format,
                                                   ...);

#endif
