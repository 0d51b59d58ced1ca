/* monitor.h - the detector over the traffic's features, with a reference of its own. */
#ifndef MONITOR_H
#define MONITOR_H

#include "simulation.h"

struct monitor;

/* The reference: independent rows without a change, of a stream apart from the live one. Ends the
 * program when there is no memory. */
struct monitor *monitor_create(const struct simulation *simulation);
void monitor_destroy(struct monitor *monitor);
void monitor_observe(struct monitor *monitor, const struct traffic_row *row, int64_t now_ms);
/* exported: [TRAFFIC_FEATURES]. */
void monitor_scrape(struct monitor *monitor, int64_t now_ms, struct exported *exported);

#endif
