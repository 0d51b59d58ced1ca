/* axis.c - a scale and its ticks. */
#include "report/axis.h"

#include "report/print.h"

#include <math.h>

/* More ticks than this would mean that rounding has lost the step. */
#define MOST_TICKS 20
#define TICK       4
#define LABEL_DROP 16

double axis_place(const struct axis *axis, double value)
{
    /* on half the scale, so that the range of the doubles does not overflow */
    const double part = (value * 0.5 - axis->low * 0.5) / (axis->high * 0.5 - axis->low * 0.5);
    const double inside = part > 0 ? (part < 1 ? part : 1) : 0;
    return axis->begin + inside * (axis->end - axis->begin);
}

/* 1, 2 or 5 times a power of ten. */
static double round_step(double step)
{
    const double power = pow(10, floor(log10(step)));
    const double times = step / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static void draw_tick(struct buffer *out, const struct axis *axis, double value, double step,
                      double y)
{
    const double x = axis_place(axis, value);
    print(out, "<path class=axis d=\"M%.1f %.1fv%d\"/>", x, y, TICK);
    print(out, "<text class=tick x=\"%.1f\" y=\"%.1f\">%.10g</text>", x, y + LABEL_DROP,
          fabs(value) < step / 2 ? 0 : value);
}

void axis_draw(struct buffer *out, const struct axis *axis, double y, unsigned wanted)
{
    print(out, "<path class=axis d=\"M%.1f %.1fH%.1f\"/>", axis->begin, y, axis->end);
    const double step = round_step((axis->high - axis->low) / wanted);
    if (!isfinite(step) || !(step > 0))
        return;
    const double first = ceil(axis->low / step);
    for (unsigned i = 0; i < MOST_TICKS; i++) {
        const double value = (first + i) * step;
        if (!(value <= axis->high))
            break;
        if (value >= axis->low)
            draw_tick(out, axis, value, step, y);
    }
}
