/* document.h - pulls the values of a JSON or UBJSON document (draft 12), one at a time and in the
 * order of the text, without building a tree of them.
 *
 * The document comes from outside: whatever its bytes are, a call returns, reads nothing beyond the
 * end, allocates nothing and takes time proportional to the bytes that it passes. */
#ifndef SCORE_FOREST_DOCUMENT_H
#define SCORE_FOREST_DOCUMENT_H

#include "text/error.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deeper nesting is refused: the files that are read here have 10 levels. */
#define DOCUMENT_MAX_DEPTH 32

struct document_frame {
    bool object, first; /* first: nothing of it was read yet */
    bool counted;       /* UBJSON: `left` values follow, and no closing bracket */
    char type;          /* UBJSON: of all its values; 0: each value has its own */
    uint64_t left;
};

/* A position in the document. A copy is a bookmark: reading goes on from there again, as long as no
 * text was read after it (texts are unescaped in place). */
struct document {
    char *begin, *at, *end;
    bool ubjson;
    size_t depth;
    struct document_frame frame[DOCUMENT_MAX_DEPTH];
    struct error *error;
};

enum document_kind {
    DOCUMENT_OBJECT,
    DOCUMENT_ARRAY,
    DOCUMENT_TEXT,
    DOCUMENT_NUMBER,
    DOCUMENT_OTHER, /* true, false, null, and what is not a value at all */
};

/* text: [bytes], followed by a NUL, borrowed and changed by reading; it begins with a brace or
 * bracket, perhaps after blanks (JSON). UBJSON is told by the byte after the brace. error: where
 * each failing call leaves its sentence. */
void document_init(struct document *document, char *text, size_t bytes, struct error *error);

/* Leaves a sentence that ends with the position in bytes. Returns -EINVAL. */
__attribute__((format(printf, 2, 3))) int document_fail(struct document *document,
                                                        const char *format, ...);

/* What the next value is, without reading it. */
enum document_kind document_peek(struct document *document);

/* All of the following return 0, or -EINVAL if the document has something else there, with the
 * document's error. */

/* Reads the beginning of an object or array. */
NODISCARD int document_enter(struct document *document, enum document_kind container);
/* Whether another member or element follows; reads the end of the container if not. */
NODISCARD int document_more(struct document *document, bool *ret_more);
/* The name of a member; its value comes next. Not NUL-terminated, borrowed from the document. */
NODISCARD int document_key(struct document *document, const char **ret_text, size_t *ret_bytes);
NODISCARD int document_text(struct document *document, const char **ret_text, size_t *ret_bytes);
/* A number; true and false count as 1 and 0. NaN and infinities as XGBoost writes them. */
NODISCARD int document_number(struct document *document, double *ret_number);
/* The same, rounded once to float32 from what the document says. */
NODISCARD int document_float(struct document *document, float *ret_number);
/* Passes a value, whatever it is. Of JSON only strings and brackets are looked at. */
NODISCARD int document_skip(struct document *document);
/* The document's end: -EINVAL if something follows. */
NODISCARD int document_finish(struct document *document);

/* --- values by their names --- */

/* What to do with a member: read its value into target. */
struct document_member {
    const char *name;
    int (*read)(struct document *document, void *target);
};

/* Reads an object. Members that the table does not have are skipped. */
NODISCARD int document_members(struct document *document, const struct document_member *table,
                               size_t count, void *target);
/* Reads an array, a call for each element. */
NODISCARD int document_elements(struct document *document,
                                int (*read)(struct document *document, void *target), void *target);

/* A growing array of numbers. All zeros is an empty one. */
struct document_numbers {
    double *item;
    size_t count, room;
};
/* Replaces the numbers by those of an array. -EINVAL, or -ENOMEM. */
NODISCARD int document_numbers(struct document *document, struct document_numbers *numbers);
/* The same, each rounded once to float32. */
NODISCARD int document_floats(struct document *document, struct document_numbers *numbers);
/* Makes room for one more number. 0, or -ENOMEM. */
NODISCARD int document_numbers_reserve(struct document_numbers *numbers);
void document_numbers_finish(struct document_numbers *numbers);

#endif
