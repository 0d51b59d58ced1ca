/* config.c - the YAML configuration: reading and freeing it. */
#include "config/config.h"

#include "config/check.h"
#include "text/excerpt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libcyaml logs nothing, because config_file_check() has already reported whatever it could find.
 */
static const cyaml_config_t reader = {.mem_fn = cyaml_mem};

/* Words of a duration, largest first: each at most once, in this order. */
static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

/* Nine digits of days are 2.7 million years: no sum of five parts overflows. */
#define MAX_DURATION_DIGITS 9

int config_parse_duration(const char *text, int64_t *ret_ms)
{
    size_t unit = 0;
    int64_t sum = 0;

    if (*text == '\0')
        return -EINVAL;
    while (*text) {
        size_t digits = strspn(text, "0123456789");
        size_t letters = strspn(text + digits, "dhms");

        if (digits == 0 || digits > MAX_DURATION_DIGITS)
            return -EINVAL;
        while (unit < (sizeof(units) / sizeof(units[0])) &&
               (strlen(units[unit].name) != letters ||
                memcmp(units[unit].name, text + digits, letters) != 0))
            unit++;
        if (unit == (sizeof(units) / sizeof(units[0])))
            return -EINVAL;
        sum += strtoll(text, NULL, 10) * units[unit++].ms;
        text += digits + letters;
    }
    *ret_ms = sum;
    return 0;
}

static int load_raw(struct config_file *file, struct raw_config **ret_raw)
{
    cyaml_err_t error = cyaml_load_data((const uint8_t *)file->bytes, file->size, &reader,
                                        &config_schema, (cyaml_data_t **)ret_raw, NULL);

    if (error == CYAML_OK)
        return 0;
    /* libyaml has parsed these bytes before, so only a failed allocation can make it fail now. */
    if (error == CYAML_ERR_OOM || error == CYAML_ERR_LIBYAML_PARSER ||
        error == CYAML_ERR_LIBYAML_PARSER_INIT)
        return -ENOMEM;
    return config_file_fail(file, "", "%s", cyaml_strerror(error));
}

static int load(struct config_file *file, struct config *config)
{
    struct raw_config *raw = NULL;
    int rc = config_file_check(file, &config_schema);

    if (rc == 0)
        rc = load_raw(file, &raw);
    if (rc < 0)
        return rc;
    config->document = raw;
    rc = config_check(file, raw);
    return rc < 0 ? rc : config_fill(config, raw, file->path);
}

int config_load(const char *path, struct config *ret_config, struct error *error)
{
    return config_read(NULL, path, ret_config, error);
}

int config_read(FILE *stream, const char *path, struct config *ret_config, struct error *error)
{
    struct config config = {.listen = NULL};
    struct config_file file;
    int rc = config_file_open(&file, stream, path, error);

    if (rc == 0)
        rc = load(&file, &config);
    if (rc == -ENOMEM)
        error_set(error, rc, "%s: %s", excerpt_path(path).text, strerror(ENOMEM));
    config_file_finish(&file);
    if (rc < 0)
        config_finish(&config);
    else
        *ret_config = config;
    return rc;
}

void config_finish(struct config *config)
{
    for (size_t i = 0; i < config->model_count; i++) {
        free((char *)config->models[i].reference);
        free((char *)config->models[i].scorer.file);
        free(config->models[i].features);
        free(config->models[i].scorer.weights);
        free(config->models[i].streams);
    }
    free(config->models);
    free((char *)config->state);
    cyaml_free(&reader, &config_schema, config->document, 0);
    *config = (struct config){.listen = NULL};
}
