/* model_file.h - a model file as bytes, whole or not at all. XGBoost's reader of UBJSON runs on
 * beyond the end of a file that was cut short, until memory ends: what it gets is checked first. */
#ifndef SCORE_MODEL_FILE_H
#define SCORE_MODEL_FILE_H

#include "score/scorer.h"

struct model_file {
    char *bytes; /* one object of JSON or UBJSON, NUL-terminated */
    size_t length;
    void *memory; /* what bytes is part of */
};

/* 0; -EINVAL: neither JSON nor UBJSON, not complete, or more than one object; a negative errno of
 * the file; -ENOMEM. error: one sentence beginning with the path. To be finished on 0 only. */
int model_file_read(const char *path, struct model_file *ret_file, char error[SCORER_ERROR_BYTES]);
void model_file_finish(struct model_file *file);

/* Whether the bytes are one object, from its first brace to its last. Brackets and strings only:
 * what stands between is the reader's to judge. O(bytes); no allocation. */
bool model_file_whole_json(const char *text, size_t bytes);
/* The same for UBJSON (draft 12). */
bool model_file_whole_ubjson(const char *data, size_t bytes);

#endif
