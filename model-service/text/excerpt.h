/* excerpt.h - text of a client or a file, made fit to stand in an error sentence. */
#ifndef TEXT_EXCERPT_H
#define TEXT_EXCERPT_H

#include <stddef.h>

/* Long enough to recognise a value, short enough for several in one sentence. */
#define EXCERPT_BYTES 64

struct excerpt {
    char text[EXCERPT_BYTES + sizeof("...")];
};

/* The text, cut to EXCERPT_BYTES between two characters with "..." after the cut; bytes that are
 * not UTF-8 and control characters become '?'. By value, so that it can stand in an argument list:
 * printf("%s", excerpt(name).text). */
struct excerpt excerpt(const char *text);
struct excerpt excerpt_bytes(const char *text, size_t bytes);

/* Long enough for a path of the usual depth; the end of a longer one says which file it is. */
#define EXCERPT_PATH_BYTES 160

struct excerpt_path {
    char text[sizeof("...") + EXCERPT_PATH_BYTES];
};

/* A path as it stands in a sentence: cleaned like a name, and of a path beyond EXCERPT_PATH_BYTES
 * its end, with "..." before it. By value. */
struct excerpt_path excerpt_path(const char *path);

/* Makes a sentence valid UTF-8 without control characters, in place. snprintf() may have cut it
 * within a character. */
void excerpt_clean(char *sentence);

#endif
