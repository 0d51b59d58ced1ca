/* urn_internal.h - an urn's state. Internal to libdrift. */
#ifndef DRIFT_URN_INTERNAL_H
#define DRIFT_URN_INTERNAL_H

#include "urn.h"
#include "urn_tail.h"

/* Bets on the shares of groups of bins among the last 60, 250 and 1000 rows. */
#define URN_MEMORIES 3

typedef float urn_lanes __attribute__((vector_size(16), may_alias));
#define URN_LANES 4

/* A lane per memory; the last is of none, and no wealth ever begins there. */
struct urn_memory {
    urn_lanes wealth, age;
    urn_lanes step;  /* weight of the newest row; older ones keep what they had */
    urn_lanes total; /* sum of seen */
};

struct urn {
    const struct urn_bins *bins;
    const struct urn_bets *bets;
    uint32_t *count;     /* [bins] reference and rows, in halves of a row */
    uint32_t *collected; /* [bins] rows seen in a hold */
    float *base;         /* [bins] shares at the last snapshot: the bets tilt these */
    float *wealth, *age; /* [bets] */
    float *scale;        /* [bets] makes each bet sum to 1; follows from base */
    uint32_t group_count[URN_MAX_GROUPS]; /* follows from count */
    urn_lanes *seen;                      /* [groups] */
    struct urn_memory memory;
    struct urn_tail tail;
    double total; /* rows of count; follows from it */
    double snapshot_at;
    uint64_t rows, collected_rows;
    uint32_t shards; /* merged into this one, itself included */
    bool held, adopted;
};

/* Takes the shares as they are now as the base of the bets. */
void urn_snapshot(struct urn *urn);
/* The urn learns a row, or collects it while held. */
void urn_learn(struct urn *urn, size_t bin);
/* Whether the urn only collects rows, or has no room for so many: what it has learned stays as it
 * is. */
bool urn_stands_still(const struct urn *urn, size_t rows);
/* So many rows are in its counts; takes a snapshot when it is time. */
void urn_grow(struct urn *urn, size_t rows);
/* Rows of these groups with these shares before each was learned; start: at the first. Returns the
 * memories' wealth. */
float urn_move_memories(struct urn *urn, const uint8_t *group, const float *share, size_t rows,
                        float start);
/* Sets what follows from count and base. */
void urn_derive(struct urn *urn);

#endif
