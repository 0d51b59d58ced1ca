/* alert.c - see the header. */
#include "alert.h"

static void condition_lost(struct alert *alert, const struct alert_timing *timing, int64_t now_ms)
{
    if (alert->state == ALERT_FIRING && timing->keep_firing_for_ms > 0) {
        if (!alert->kept)
            alert->lost_ms = now_ms;
        alert->kept = true;
        if (now_ms - alert->lost_ms < timing->keep_firing_for_ms)
            return;
    }
    *alert = (struct alert){.state = ALERT_INACTIVE};
}

enum alert_state alert_evaluate(struct alert *alert, const struct alert_timing *timing,
                                bool condition, int64_t now_ms)
{
    if (!condition) {
        condition_lost(alert, timing, now_ms);
        return alert->state;
    }
    alert->kept = false;
    if (alert->state == ALERT_INACTIVE)
        *alert = (struct alert){.state = ALERT_PENDING, .active_ms = now_ms};
    if (alert->state == ALERT_PENDING && now_ms - alert->active_ms >= timing->for_ms)
        alert->state = ALERT_FIRING;
    return alert->state;
}
