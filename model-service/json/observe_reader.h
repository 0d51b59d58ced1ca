/* observe_reader.h - the reader's parts, for json_observe*.c alone. */
#ifndef JSON_OBSERVE_READER_H
#define JSON_OBSERVE_READER_H

#include "json/observe.h"

struct observed_name {
    const char *text;
    size_t bytes;
    bool plain;    /* stands in JSON as it is, so that the scanner may compare bytes */
    uint64_t seen; /* the observation in which it was there last */
    uint32_t next; /* the feature that followed it last time */
};

struct observation_reader {
    const struct schema *schema;
    struct observed_name *names; /* [features + 1]; the last stands for the beginning */
    uint32_t *table;             /* hash of names, index + 1; NULL until a guess has failed */
    size_t table_size;
    uint64_t observations; /* begun by the scanner */
    struct observation observation;
};

/* Reads the usual shape into reader->observation: the members in any order, names and strings
 * without escapes. False: anything else, mistakes included, which the JSON library is to read;
 * what both read is equal. */
bool observation_quick(struct observation_reader *reader, const char *text, size_t bytes);

/* observation_read_line() by way of the JSON library alone. */
void observation_read_slowly(struct observation_reader *reader, uint64_t number, const char *text,
                             size_t bytes, observation_fn take, void *context);

/* Empties the observation but for its values. */
void observation_clear(struct observation *observation);

#endif
