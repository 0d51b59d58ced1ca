/* limit.h - the JSON library's documents, bounded in memory. Two bytes of text, "{}", become
 * two hundred of a document: without a bound one body of a few megabytes takes hundreds. */
#ifndef JSON_LIMIT_H
#define JSON_LIMIT_H

#include <jansson.h>
#include <stdbool.h>

/* Summed over all allocations while the text is read: 200 000 named numbers, or a million in
 * arrays. */
#define JSON_DOCUMENT_MAX_BYTES (32u << 20)

/* As json_loadb(). NULL with *ret_too_large when the document would take more, and with an empty
 * text in the error when memory ran out. */
json_t *json_limit_load(const char *text, size_t bytes, size_t flags, json_error_t *error,
                        bool *ret_too_large);
/* As json_decref(), and gives the memory of a large document back to the system. On the thread
 * that loaded it. */
void json_limit_release(json_t *document);

#endif
