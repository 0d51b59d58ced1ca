/* label_draw.c - see the header. */
#include "served/label_draw.h"

#include "row/split_mix.h"
#include "served/model.h"

#include <math.h>

struct label_draw label_draw_begin(uint64_t seed)
{
    struct label_draw draw = {.state = BUILTIN_SEED};
    draw.state = split_mix_next(&draw.state) ^ seed;
    return draw;
}

double label_draw_uniform(struct label_draw *draw)
{
    return split_mix_unit(&draw->state);
}

double label_draw_normal(struct label_draw *draw)
{
    const double radius = sqrt(-2 * log(label_draw_uniform(draw)));
    return radius * cos(2 * M_PI * label_draw_uniform(draw));
}

size_t label_draw_class(struct label_draw *draw, const double *outputs, size_t count)
{
    double left = label_draw_uniform(draw);
    if (count == 1)
        return left < outputs[0];
    size_t drawn = 0;
    while (drawn < count - 1 && left >= outputs[drawn])
        left -= outputs[drawn++];
    return drawn;
}
