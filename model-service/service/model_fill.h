/* model_fill.h - creates the models of a set, several at a time. */
#ifndef SERVICE_MODEL_FILL_H
#define SERVICE_MODEL_FILL_H

#include "service/model_set.h"

/* Creates each model of the set that is NULL, from its configuration or, with config_path NULL, as
 * built in. 0, or the error of the first model in the set's order that has one, which names
 * config_path; some models may be created then. settings->warn is called from any thread. */
NODISCARD int model_set_fill(struct model_set *set, const struct served_model_settings *settings,
                             const char *config_path, char error[MODEL_SET_ERROR_BYTES]);

#endif
