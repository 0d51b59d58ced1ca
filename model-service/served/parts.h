/* parts.h - how a served model is put together: served/build/ makes the parts, the model takes them
 * over. */
#ifndef SERVED_PARTS_H
#define SERVED_PARTS_H

#include "change_monitor.h"
#include "concept_monitor.h"
#include "drift_detector.h"
#include "served/definition.h"
#include "served/model.h"

/* Detectors of change on the mean of a feature, or on the rate of a prediction. */
struct model_stream;
struct model_streams {
    struct model_stream *stream; /* [count] */
    size_t count;
};

/* What a stream was like in the reference: numbers, or texts of which one is the target. */
struct reference_stream {
    size_t feature, rows; /* of the detector's row; >= 1 */
    const double *numbers;
    const char *const *texts;
    const char *target;
};

/* hold: for so many observations a drift is held. 0, -EINVAL, -ENOMEM. */
NODISCARD int model_streams_add(struct model_streams *streams, const struct detector *detector,
                                const struct reference_stream *reference, unsigned detectors,
                                uint64_t hold);
void model_streams_finish(struct model_streams *streams);

struct model_parts {
    struct model_definition definition;
    struct detector *detector;
    struct change_monitor *changes; /* borrows from the detector */
    struct concept_monitor *concept_monitor;
    struct model_streams streams;
};

/* Frees what is there. */
void model_parts_finish(struct model_parts *parts);

/* A model that serves these parts and owns them from now on; they are emptied. The caller holds the
 * first reference. 0, or -ENOMEM with the parts untouched. */
NODISCARD int served_model_assemble(struct model_parts *parts, struct served_model **ret_model);

/* What the model is; const. */
const struct model_definition *served_model_definition(const struct served_model *model);

/* The thresholds, significance and minimum sample of spec, for detector and labels, and the rule of
 * changes; windows, evidence and counters stay as they are. spec: its features' thresholds are
 * read, of the model's prediction features too. 0 or -EINVAL. */
NODISCARD int served_model_set_levels(struct served_model *model, const struct detector_spec *spec,
                                      const struct change_rule *changes);

#endif
