/* performance.h - what /drift/status and /performance both say. */
#ifndef SERVICE_PERFORMANCE_H
#define SERVICE_PERFORMANCE_H

#include "encode/json_writer.h"
#include "served/model.h"

/* The member "concept_drift" of an open object. */
void performance_write_concept_drift(struct json_writer *json, struct served_model *model);
/* The member "streams" of an open object. */
void performance_write_streams(struct json_writer *json, struct served_model *model);

#endif
