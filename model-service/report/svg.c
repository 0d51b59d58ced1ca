/* svg.c - the drawings of a feature. */
#include "report/svg.h"

#include "report/axis.h"
#include "report/print.h"

#include <math.h>
#include <stdio.h>

/* Both big drawings: a plot between margins for the labels. */
#define WIDTH  460
#define HEIGHT 220
#define LEFT   44
#define RIGHT  12
#define TOP    14
#define BOTTOM 24
#define FLOOR  (HEIGHT - BOTTOM)
/* The bars for what lies beyond the range, and the space beside them. */
#define OUTER     22
#define OUTER_GAP 8

#define X_TICKS 5

/* title: a sentence without markup, of our own words and numbers. */
static void begin(struct buffer *out, int width, int height, const char *title)
{
    print(out, "<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"%s\">", width, height, title);
}

/* --- histogram --- */

static double largest_share(const struct picture_histogram *histogram)
{
    double most = 0;
    for (size_t i = 0; i < histogram->bars + 2; i++) {
        most = fmax(most, histogram->reference[i]);
        most = fmax(most, histogram->current[i]);
    }
    return most > 0 ? most : 1;
}

static double height_of(double share, double most)
{
    return FLOOR - share / most * (FLOOR - TOP);
}

/* Steps over the bars, from the floor and back to it. */
static void draw_bars(struct buffer *out, const char *class_name, const struct axis *x,
                      const struct picture_histogram *histogram, const double *share, double most)
{
    print(out, "<path class=%s d=\"M%.1f %d", class_name, x->begin, FLOOR);
    for (size_t i = 0; i < histogram->bars; i++)
        print(out, "V%.1fH%.1f", height_of(share[i + 1], most),
              axis_place(x, histogram->edge[i + 1]));
    print(out, "V%d\"/>", FLOOR);
}

static void draw_outer_bar(struct buffer *out, const char *class_name, double left, double share,
                           double most)
{
    print(out, "<path class=%s d=\"M%.1f %dV%.1fh%dV%d\"/>", class_name, left, FLOOR,
          height_of(share, most), OUTER, FLOOR);
}

/* A bar at the side, if either sample has rows there. */
static void draw_outer(struct buffer *out, const char *word, double left, double reference,
                       double current, double most)
{
    if (reference <= 0 && current <= 0)
        return;
    draw_outer_bar(out, "ref", left, reference, most);
    draw_outer_bar(out, "cur", left, current, most);
    print(out, "<text class=tick x=\"%.1f\" y=\"%d\">%s</text>", left + OUTER / 2.0, FLOOR + 16,
          word);
}

static void draw_share_axis(struct buffer *out, double most)
{
    print(out, "<path class=grid d=\"M%d %.1fH%d\"/>", LEFT, height_of(most, most), WIDTH - RIGHT);
    print(out, "<text class=side x=\"%d\" y=\"%.1f\">%s</text>", LEFT - 6,
          height_of(most, most) + 4, percent_words(most).text);
    print(out, "<text class=side x=\"%d\" y=\"%d\">0 %%</text>", LEFT - 6, FLOOR);
}

void svg_histogram(struct buffer *out, const struct feature_picture *picture)
{
    const struct picture_histogram *histogram = &picture->histogram;
    const size_t above = histogram->bars + 1;
    const double most = largest_share(histogram);
    const struct axis x = {histogram->edge[0], histogram->edge[histogram->bars],
                           LEFT + OUTER + OUTER_GAP, WIDTH - RIGHT - OUTER - OUTER_GAP};
    begin(out, WIDTH, HEIGHT,
          picture->earlier ? "Histograms of an earlier window and of the current one"
                           : "Histograms of the reference and of the current sample");
    draw_share_axis(out, most);
    draw_bars(out, "ref", &x, histogram, histogram->reference, most);
    draw_bars(out, "cur", &x, histogram, histogram->current, most);
    draw_outer(out, "less", LEFT, histogram->reference[0], histogram->current[0], most);
    draw_outer(out, "more", WIDTH - RIGHT - OUTER, histogram->reference[above],
               histogram->current[above], most);
    axis_draw(out, &x, FLOOR, X_TICKS);
    buffer_append_text(out, "</svg>");
}

/* --- cumulative curves --- */

/* The histogram's range, wider if the distance lies outside, so that both drawings are about the
 * same values. */
static struct axis curve_axis(const struct feature_picture *picture)
{
    const struct picture_histogram *histogram = &picture->histogram;
    struct axis axis = {picture->point[0].x, picture->point[picture->points - 1].x, LEFT,
                        WIDTH - RIGHT};
    if (histogram->bars > 0) {
        axis.low = fmin(histogram->edge[0], picture->apart.x);
        axis.high = fmax(histogram->edge[histogram->bars], picture->apart.x);
    }
    return axis;
}

static void draw_curve(struct buffer *out, const char *class_name, const struct axis *x,
                       const struct feature_picture *picture, bool current)
{
    print(out, "<path class=%s d=\"", class_name);
    double previous = 0;
    for (size_t i = 0; i < picture->points; i++) {
        const struct curve_point *point = &picture->point[i];
        const double share = current ? point->current : point->reference;
        if (i == 0)
            print(out, "M%.1f %.1f", axis_place(x, point->x), height_of(share, 1));
        else if (share == previous)
            print(out, "H%.1f", axis_place(x, point->x));
        else
            print(out, "L%.1f %.1f", axis_place(x, point->x), height_of(share, 1));
        previous = share;
    }
    buffer_append_text(out, "\"/>");
}

static void draw_distance(struct buffer *out, const struct axis *x, const struct curve_point *apart)
{
    const double place = axis_place(x, apart->x);
    const double middle = height_of((apart->reference + apart->current) / 2, 1);
    const bool left = place > (x->begin + x->end) / 2;
    print(out, "<path class=distance d=\"M%.1f %.1fV%.1f\"/>", place,
          height_of(apart->reference, 1), height_of(apart->current, 1));
    print(out, "<text class=\"note%s\" x=\"%.1f\" y=\"%.1f\">%s at %s</text>", left ? " left" : "",
          place + (left ? -6 : 6), middle + 4,
          number_words(fabs(apart->reference - apart->current)).text, number_words(apart->x).text);
}

void svg_curves(struct buffer *out, const struct feature_picture *picture)
{
    const struct curve_point *apart = &picture->apart;
    const struct axis x = curve_axis(picture);
    char title[240];
    snprintf(title, sizeof(title),
             "Cumulative shares of both; they are furthest apart at %s: %s of the %s and %s of the "
             "current sample",
             number_words(apart->x).text, percent_words(apart->reference).text,
             picture->earlier ? "earlier window" : "reference", percent_words(apart->current).text);
    begin(out, WIDTH, HEIGHT, title);
    draw_share_axis(out, 1);
    if (x.low < x.high) {
        draw_curve(out, "\"ref line\"", &x, picture, false);
        draw_curve(out, "\"cur line\"", &x, picture, true);
        axis_draw(out, &x, FLOOR, X_TICKS);
    }
    draw_distance(out, &x, apart);
    buffer_append_text(out, "</svg>");
}

/* --- quantiles --- */

#define BOX_HEIGHT   14
#define BOX_DISTANCE 24
#define BOX_FLOOR    56

static void draw_box(struct buffer *out, const char *class_name, const struct axis *x,
                     const double *quantile, double top)
{
    double place[DETAILS_QUANTILES];
    for (size_t i = 0; i < DETAILS_QUANTILES; i++)
        place[i] = axis_place(x, quantile[i]);
    print(out, "<path class=\"%s line\" d=\"M%.1f %.1fH%.1f\"/>", class_name, place[0],
          top + BOX_HEIGHT / 2.0, place[DETAILS_QUANTILES - 1]);
    print(out, "<path class=%s d=\"M%.1f %.1fH%.1fv%dH%.1fz\"/>", class_name, place[1], top,
          place[3], BOX_HEIGHT, place[1]);
    print(out, "<path class=median d=\"M%.1f %.1fv%d\"/>", place[2], top, BOX_HEIGHT);
}

void svg_quantiles(struct buffer *out, const struct detector_details *details)
{
    struct axis x = {INFINITY, -INFINITY, LEFT, WIDTH - RIGHT};
    for (size_t i = 0; i < DETAILS_QUANTILES; i++) {
        x.low = fmin(x.low, fmin(details->reference_quantile[i], details->current_quantile[i]));
        x.high = fmax(x.high, fmax(details->reference_quantile[i], details->current_quantile[i]));
    }
    if (!(x.low < x.high))
        return;
    begin(out, WIDTH, BOX_FLOOR + BOTTOM,
          "Quantiles: a line from 5 to 95 %, a box from 25 to 75 %, the median marked");
    draw_box(out, "ref", &x, details->reference_quantile, 4);
    draw_box(out, "cur", &x, details->current_quantile, 4 + BOX_DISTANCE);
    axis_draw(out, &x, BOX_FLOOR, X_TICKS);
    buffer_append_text(out, "</svg>");
}

/* --- bars within tables --- */

#define PAIR_WIDTH     120
#define PAIR_BAR       7
#define STRENGTH_WIDTH 120

void svg_pair(struct buffer *out, double reference, double current, double most)
{
    const double scale = most > 0 ? PAIR_WIDTH / most : 0;
    print(out, "<svg class=pair viewBox=\"0 0 %d %d\" aria-hidden=true>", PAIR_WIDTH,
          2 * PAIR_BAR + 2);
    print(out, "<path class=ref d=\"M0 0H%.1fV%dH0z\"/>", reference * scale, PAIR_BAR);
    print(out, "<path class=cur d=\"M0 %dH%.1fv%dH0z\"/></svg>", PAIR_BAR + 2, current * scale,
          PAIR_BAR);
}

void svg_strength(struct buffer *out, double strength)
{
    const double full = strength < 2 ? strength / 2 : 1;
    print(out,
          "<svg class=pair viewBox=\"0 0 %d 12\" aria-hidden=true><path class=track d=\"M0 "
          "1H%dv10H0z\"/><path class=score d=\"M0 1H%.1fv10H0z\"/><path class=mark d=\"M%d "
          "0v12\"/></svg>",
          STRENGTH_WIDTH, STRENGTH_WIDTH, full * STRENGTH_WIDTH, STRENGTH_WIDTH / 2);
}
