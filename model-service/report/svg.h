/* svg.h - the drawings of a feature as SVG elements within an HTML page. They carry classes, and
 * the page's style gives the colours. Each has a sentence for readers who cannot see it. */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include "drift_picture.h"
#include "encode/buffer.h"

/* Shares of the finite values: the reference filled, the current sample as an outline over it. What
 * lies beyond the range is a bar of its own at either side. */
void svg_histogram(struct buffer *out, const struct feature_picture *picture);
/* Both cumulative curves, and a line between them where they are furthest apart. */
void svg_curves(struct buffer *out, const struct feature_picture *picture);
/* The quantiles of both as two boxes on one axis. */
void svg_quantiles(struct buffer *out, const struct detector_details *details);
/* Two bars, the reference's above the current sample's, on a scale that ends at `most`. */
void svg_pair(struct buffer *out, double reference, double current, double most);
/* One bar that is full at twice the threshold, which is marked in its middle. strength: the score
 * in units of the threshold. */
void svg_strength(struct buffer *out, double strength);

#endif
