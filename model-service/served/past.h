/* past.h - what each feature's window looked like over the last day: a shape (drift_past.h) of
 * every 5 min for an hour and of every hour for a day, so that now can be compared with then. 7.9
 * kB for each feature, whatever happens. Not thread-safe. */
#ifndef SERVED_PAST_H
#define SERVED_PAST_H

#include "drift_past.h"
#include "text/nodiscard.h"

#define PAST_FINE_MS   300000
#define PAST_COARSE_MS 3600000
/* One more than the hour and the day have, as the newest may be an interval old. */
#define PAST_FINE   13
#define PAST_COARSE 25

struct model_past;

/* NULL if allocation fails. */
struct model_past *model_past_create(size_t features);
void model_past_destroy(struct model_past *past);

/* Whether a moment is due; if so, model_past_keep() is called for each feature. */
bool model_past_begin(struct model_past *past, int64_t now_ms);
void model_past_keep(struct model_past *past, size_t feature, const struct past_shape *shape);

/* The kept shape that is nearest to the moment ms. 0 with its own moment, or -ENODATA if none is
 * nearer than an hour, or than half of how long ago it was. */
NODISCARD int model_past_find(const struct model_past *past, size_t feature, int64_t ms,
                              int64_t now_ms, struct past_shape *ret_shape, int64_t *ret_ms);

#endif
