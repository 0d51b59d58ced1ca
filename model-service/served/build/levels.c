/* levels.c - thresholds, significance and minimum sample by the configuration, at the start and
 * when a reload has changed them. */
#include "served/build/build.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

int override_warning(const char *model, double threshold[SEVERITY_COUNT], double warning_override,
                     struct error *error)
{
    if (isnan(warning_override))
        return 0;
    if (warning_override <= 0 || warning_override >= threshold[SEVERITY_CRITICAL])
        return error_set(error, -EINVAL,
                         "DRIFT_THRESHOLD is %g, but must be below the critical threshold, %g, of "
                         "model \"%s\"",
                         warning_override, threshold[SEVERITY_CRITICAL], model);
    threshold[SEVERITY_WARNING] = warning_override;
    return 0;
}

static struct window_spec configured_window(const struct config_model *config)
{
    if (config->window_duration_ms > 0)
        return (struct window_spec){.kind = WINDOW_DURATION,
                                    .duration_ms = config->window_duration_ms};
    return (struct window_spec){.kind = WINDOW_COUNT, .observations = config->window_observations};
}

struct detector_feature *configured_features(const struct config_model *config)
{
    struct detector_feature *features = calloc(config->feature_count + 2, sizeof(*features));
    for (size_t f = 0; features && f < config->feature_count; f++) {
        const struct config_feature *from = &config->features[f];
        features[f] = (struct detector_feature){
            .name = from->name,
            .type = from->categorical ? FEATURE_CATEGORICAL : FEATURE_NUMERIC,
            .threshold = {from->warning_threshold, from->critical_threshold},
        };
    }
    return features;
}

struct detector_spec configured_spec(const struct config_model *config)
{
    return (struct detector_spec){
        .window = configured_window(config),
        .minimum_sample = config->minimum_sample,
        .threshold = {config->warning_threshold, config->critical_threshold},
        .significance = config->significance,
        .methods = DETECTOR_LIVE_METHODS,
        .bins = config->bins,
        .reference_resolution = config->reference_resolution,
    };
}

struct change_rule configured_changes(const struct config_model *config)
{
    return (struct change_rule){.false_page_seconds = config->false_page_seconds,
                                .materiality = config->materiality};
}

int configured_override(const struct config_model *config, struct detector_spec *spec,
                        double warning_override, struct error *error)
{
    int rc = override_warning(config->name, spec->threshold, warning_override, error);
    for (size_t f = 0; rc == 0 && f < config->feature_count; f++) {
        const struct config_feature *feature = &config->features[f];
        double threshold[SEVERITY_COUNT] = {spec->threshold[SEVERITY_WARNING],
                                            feature->critical_threshold};
        if (feature->critical_threshold != 0 && feature->warning_threshold == 0)
            rc = override_warning(config->name, threshold, warning_override, error);
    }
    return rc;
}

int served_model_retune(struct served_model *model, const struct config_model *config,
                        const struct served_model_settings *settings, struct error *error)
{
    struct detector_feature *features = configured_features(config);
    if (!features)
        return error_set(error, -ENOMEM, "model \"%s\": not enough memory", config->name);
    const struct change_rule rule = configured_changes(config);
    struct detector_spec spec = configured_spec(config);
    spec.features = features;
    int rc = configured_override(config, &spec, settings->warning_override, error);
    if (rc == 0) {
        rc = served_model_set_levels(model, &spec, &rule);
        if (rc < 0)
            error_set(error, rc, "model \"%s\": its thresholds cannot be set", config->name);
    }
    free(features);
    return rc;
}
