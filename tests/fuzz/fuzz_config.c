/* fuzz_config.c - libFuzzer target of the configuration reader; corpus in corpus/config/.
 * Run by scripts/fuzz.sh config. */
#include "config/config.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_model(const struct config_model *model)
{
    if (!*model->name || !*model->version || !*model->reference || model->feature_count == 0 ||
        !(model->warning_threshold > 0.0 && model->warning_threshold < model->critical_threshold))
        abort();
    for (size_t i = 0; i < model->feature_count; i++)
        if (!*model->features[i].name ||
            (model->scorer.weights &&
             (!isfinite(model->scorer.weights[i]) ||
              (model->features[i].categorical && model->scorer.weights[i] != 0.0))))
            abort();
    for (size_t i = 0; i < model->stream_count; i++)
        if ((model->streams[i].feature != CONFIG_STREAM_PREDICTION &&
             model->streams[i].feature >= model->feature_count) ||
            model->streams[i].detectors == 0 || model->streams[i].detectors > CONFIG_ALL_DETECTORS)
            abort();
    if (model->scorer.class_count == 1 || model->labels.capacity == 0 ||
        model->labels.max_age_ms <= 0 || model->labels.window == 0 || model->detectors == 0)
        abort();
}

/* One line that begins with the file and says what is wrong. A bare phrase of libcyaml's would mean
 * that it refuses what the check against its schema let pass. */
static void check_error(const char *path, const char *error)
{
    const char *message = error + strlen(path);

    if (strncmp(error, path, strlen(path)) != 0 || *message != ':' || strchr(error, '\n'))
        abort();
    for (int i = 0; i < CYAML_ERR__COUNT; i++)
        if (strncmp(message, ":1: ", 4) == 0 &&
            strcmp(message + 4, cyaml_strerror((cyaml_err_t)i)) == 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[64];
    struct error error = {""};
    struct config config;
    int r;

    if (file < 0) {
        file = memfd_create("config", 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    }
    if (ftruncate(file, 0) < 0 || pwrite(file, data, size, 0) != (ssize_t)size)
        abort();
    r = config_load(path, &config, &error);
    if (r < 0 && r != -EINVAL)
        abort();
    if (r < 0) {
        check_error(path, error.text);
        return 0;
    }
    for (size_t i = 0; i < config.model_count; i++)
        check_model(&config.models[i]);
    config_finish(&config);
    return 0;
}
