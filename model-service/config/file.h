/* file.h - a YAML file with the line of each key, checked against a libcyaml schema; for
 * config*.c alone.
 *
 * libcyaml fills the structures but reports in several log lines and keeps no places. So the file
 * is first read as libyaml's nodes, which know their lines, and compared with the very schema
 * libcyaml gets; the checks of meaning that follow find their lines in the same nodes. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "text/nodiscard.h"

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <yaml.h>

/* A configuration is written by hand; this is 1000 features for each of 100 models. */
#define CONFIG_FILE_MAX_BYTES (16u << 20)

/* Where a value is found, such as models[0].thresholds.warning. */
#define CONFIG_KEY_BYTES 192

struct config_key {
    char text[CONFIG_KEY_BYTES];
};
struct config_key config_key(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct config_file {
    const char *path;
    char *bytes;
    size_t size;
    yaml_document_t document;
    bool has_document;
    struct error *error; /* the caller's */
};

/* Reads and parses: the stream, or without one the file at the path. 0; -ENOENT, ... for the file;
 * -EINVAL for its syntax; -ENOMEM. The error is written on failure; to be finished in any case. */
NODISCARD int config_file_open(struct config_file *file, FILE *stream, const char *path,
                               struct error *error);
void config_file_finish(struct config_file *file);
/* Of the bytes, before they are read as a document; limits.c. 0, or -EINVAL with a sentence: nested
 * too deeply, or too many values or anchors. Time grows with the size only. */
NODISCARD int config_limits_check(struct config_file *file);

/* 0 or -EINVAL with the first difference: unknown, doubled or missing key, wrong kind of value,
 * scalar that does not read as its type, sequence too short or long. */
NODISCARD int config_file_check(struct config_file *file, const cyaml_schema_value_t *schema);

/* Writes "FILE:LINE: KEY: message" and returns -EINVAL. The line is the key's, or that of the
 * nearest key around it that the file has. */
int config_file_fail(struct config_file *file, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same at a known line. */
int config_file_fail_line(struct config_file *file, size_t line, const char *key,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));
/* config_file_fail() with the message "found "...", expected <expected>". */
int config_file_refuse(struct config_file *file, const char *key, const char *expected);

#endif
