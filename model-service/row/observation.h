/* observation.h - a row that somebody else made a prediction of. */
#ifndef ROW_OBSERVATION_H
#define ROW_OBSERVATION_H

#include "row/value.h"

#include <stdint.h>

/* Longest id a client may give, in bytes; it is echoed and stored. */
#define OBSERVATION_ID_MAX_BYTES 128
/* Longest prediction or label, in bytes: the name of a class, or a number. */
#define OBSERVATION_CLASS_MAX_BYTES 128
#define OBSERVATION_NO_TIME         INT64_MIN

/* Texts are not terminated, and live as long as what they were decoded from. */
struct observation {
    struct value *value;            /* [features] */
    struct value prediction, label; /* missing: none */
    double score;                   /* NaN: none; else finite */
    const char *id;                 /* NULL: none; 1 to OBSERVATION_ID_MAX_BYTES bytes */
    size_t id_bytes;
    int64_t timestamp_ms; /* OBSERVATION_NO_TIME: none */
};

#endif
