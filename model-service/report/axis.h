/* axis.h - a scale from values to places in a drawing, and its ticks. */
#ifndef REPORT_AXIS_H
#define REPORT_AXIS_H

#include "encode/buffer.h"

struct axis {
    double low, high;  /* values, low < high, finite */
    double begin, end; /* places */
};

/* The place of a value; beyond the axis its end. */
double axis_place(const struct axis *axis, double value);

/* A line under the drawing at `y` with about `wanted` ticks at round values. */
void axis_draw(struct buffer *out, const struct axis *axis, double y, unsigned wanted);

#endif
