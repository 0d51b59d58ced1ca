/* alert.h - one alert as Prometheus 2.42 keeps it: pending for `for`, firing, kept by
 * `keep_firing_for`. tests/stack/test_pages_method.py compares it with promtool. */
#ifndef ALERT_H
#define ALERT_H

#include <stdbool.h>
#include <stdint.h>

struct alert_timing {
    int64_t for_ms, keep_firing_for_ms;
};

enum alert_state { ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING };

struct alert {
    enum alert_state state;
    int64_t active_ms; /* since when the condition holds, while pending or firing */
    bool kept;         /* firing though the condition does not hold, since lost_ms */
    int64_t lost_ms;
};

/* One evaluation of the rule: whether its expression has a result now. Returns the new state. */
enum alert_state alert_evaluate(struct alert *alert, const struct alert_timing *timing,
                                bool condition, int64_t now_ms);

#endif
