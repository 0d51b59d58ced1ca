/* urn_tail.h - bets on each of very many categories, at a cost that does not grow with them.
 * Internal to libdrift.
 *
 * A bet says that a share d of the rows has turned into one category c, and the rest is as it was:
 * q(b) = (1 - d) p(b) + d [b = c], so its ratio is 1 - d for every other category, whichever c is,
 * and 1 - d + d / p(c) for c. All bets with the same d therefore shrink by the same factor on
 * every row but their own, and only the wealth of the row's category has to be touched:
 *     wealth of c = weight * common + power * extra[c],
 * where common is the wealth that one gets whose category never comes, and power the product of
 * the factors. Ages (the wealth times its rows) follow the same recursion once more. */
#ifndef DRIFT_URN_TAIL_H
#define DRIFT_URN_TAIL_H

#include "byte_codec.h"
#include "drift_types.h"

#include <stddef.h>
#include <stdint.h>

/* Shares of the rows: 1, 4 and 15 %. */
#define URN_TAIL_GAINS 3

/* Of one category and share. */
struct urn_tail_extra {
    float wealth, age;
};

struct urn_tail_gain {
    double common, common_age;
    double power;       /* in (0, 1] times what urn_tail_scale() did */
    double rows;        /* since power was 1 */
    double wealth, age; /* sums over the categories */
    double factor, own; /* 1 - d and d; the factor discounted */
};

struct urn_tail {
    size_t count;  /* categories; 0: no bets */
    double weight; /* of each bet */
    double inverse_discount;
    struct urn_tail_gain gain[URN_TAIL_GAINS];
    struct urn_tail_extra (*extra)[URN_TAIL_GAINS]; /* [count] */
};

/* weight: of all bets together. 0 or -ENOMEM. */
NODISCARD int urn_tail_init(struct urn_tail *tail, size_t count, double weight, double discount);
void urn_tail_finish(struct urn_tail *tail);

/* A row of category `own` (count or more: of none of these) that had probability p; start: the
 * weight that the row begins with. Returns the sum of wealth. O(1), amortised. */
double urn_tail_observe(struct urn_tail *tail, size_t own, double p, double start);
double urn_tail_wealth(const struct urn_tail *tail);
double urn_tail_age(const struct urn_tail *tail);
/* The category with the largest wealth. O(count). */
struct urn_tail_leader {
    size_t category;
    double wealth, gain;
};
struct urn_tail_leader urn_tail_leader(const struct urn_tail *tail);

/* Multiplies all wealth. O(1). */
void urn_tail_scale(struct urn_tail *tail, double factor);
void urn_tail_restart(struct urn_tail *tail);
/* Weighted mean of the wealth of two with equal counts. Changes the form of other, not its value.
 */
void urn_tail_merge(struct urn_tail *tail, struct urn_tail *other, double share);

void urn_tail_write(const struct urn_tail *tail, struct byte_writer *out);
/* Sets out->failed at numbers that no tail can have. */
void urn_tail_read(struct urn_tail *tail, struct byte_reader *in);
size_t urn_tail_bytes(const struct urn_tail *tail);

#endif
