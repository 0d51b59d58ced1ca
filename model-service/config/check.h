/* check.h - what a configuration must mean, beyond its shape, and the structures filled from
 * one that does; for config*.c alone. */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/file.h"
#include "config/keys.h"

struct config;

/* 0, -EINVAL with the first mistake, or -ENOMEM. */
NODISCARD int config_check(struct config_file *file, const struct raw_config *raw);
/* The part of it about models[index].scorer. */
NODISCARD int config_check_scorer(struct config_file *file, const struct raw_model *model,
                                  size_t index);
/* The part of it about its columns, labels, detectors and streams. */
NODISCARD int config_check_output(struct config_file *file, const struct raw_model *model,
                                  size_t index);

/* Fills an empty configuration from a checked one; path: the file's. 0 or -ENOMEM, half filled. */
NODISCARD int config_fill(struct config *config, const struct raw_config *raw, const char *path);

/* Index of a feature by name, or SIZE_MAX. */
size_t config_find_feature(const struct raw_model *model, const char *name);

/* Texts that stand in paths, labels and answers: 1 to max_bytes bytes without control characters.
 */
bool config_is_plain_text(const char *text, size_t max_bytes);
#define CONFIG_PLAIN_TEXT "1 to 128 bytes without control characters"

#define MODEL_KEY(name) config_key("models[%zu]." name, index).text

#endif
