/* change_types.h - what the detectors of change in a stream say, and about which direction. */
#ifndef DRIFT_CHANGE_TYPES_H
#define DRIFT_CHANGE_TYPES_H

#include "drift_types.h"

#include <stdbool.h>

/* What an observation led to. DRIFT lasts for that observation only: the detector has started
 * again, and the next observation says NONE or WARNING. */
enum change_state { CHANGE_NONE, CHANGE_WARNING, CHANGE_DRIFT };

/* CHANGE_UP: a rise of the mean alone (the error stream: the model became worse). CHANGE_BOTH: a
 * rise or a fall. */
enum change_direction { CHANGE_UP, CHANGE_BOTH };

#endif
