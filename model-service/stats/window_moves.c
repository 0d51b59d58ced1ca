/* window_moves.c - which categories' shares moved most. */
#include "feature_window.h"
#include "window_internal.h"

#include <math.h>

static double moved_by(const struct category_move *move)
{
    return fabs(move->current_share - move->reference_share);
}

/* Sorted by how far they moved, equal ones by their code, in room for `capacity`. */
static size_t insert(struct category_move *moves, size_t count, size_t capacity,
                     const struct category_move *move)
{
    size_t at = count;
    while (at > 0 && moved_by(&moves[at - 1]) < moved_by(move))
        at--;
    if (at == capacity)
        return count;
    count += count < capacity;
    for (size_t i = count - 1; i > at; i--)
        moves[i] = moves[i - 1];
    moves[at] = *move;
    return count;
}

size_t drift_feature_window_moves(const struct feature_window *window, struct category_move *moves,
                                  size_t capacity)
{
    size_t count = 0;
    if (!window->categorical || window->total.observations == 0)
        return 0;
    for (size_t code = 0; code < window->cells; code++) {
        const struct category_move move = {
            .code = (uint32_t)code,
            .reference_share = (double)window->reference_bin[code] / (double)window->reference_rows,
            .current_share = (double)window->total.cell[code] / (double)window->total.observations,
        };
        if (moved_by(&move) > 0)
            count = insert(moves, count, capacity, &move);
    }
    return count;
}
