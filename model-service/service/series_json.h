/* series_json.h - numbers over time in JSON, as every endpoint with a history writes them. */
#ifndef SERVICE_SERIES_JSON_H
#define SERVICE_SERIES_JSON_H

#include "encode/json_writer.h"
#include "served/history.h"

/* With six significant digits: series are kept as floats, and more would be noise. */
double brief_number(double value);

/* Pairs of milliseconds since 1970 and strength, to four decimals. */
void write_points(struct json_writer *json, const struct history_point *points, size_t count);

#endif
