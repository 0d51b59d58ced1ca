/* page_hinkley.c - the Page-Hinkley test: a cumulative sum against its own minimum. */
#include "page_hinkley.h"

void drift_page_hinkley_init(struct page_hinkley *test, enum change_direction direction)
{
    *test = (struct page_hinkley){.direction = direction};
}

/* Whether the sum is more than lambda above its minimum. */
static bool add(struct page_side *side, double deviation, uint64_t count)
{
    side->sum = PAGE_HINKLEY_ALPHA * side->sum + (deviation - PAGE_HINKLEY_DELTA);
    if (side->sum <= side->low) {
        side->low = side->sum;
        side->low_at = count;
    }
    return side->sum - side->low > PAGE_HINKLEY_LAMBDA;
}

enum change_state drift_page_hinkley_update(struct page_hinkley *test, double x, uint64_t *ret_age)
{
    test->count++;
    test->mean += (x - test->mean) / (double)test->count;
    const double deviation = x - test->mean;
    const bool rose = add(&test->rise, deviation, test->count);
    const bool fell = test->direction == CHANGE_BOTH && add(&test->fall, -deviation, test->count);
    if (test->count < PAGE_HINKLEY_MIN_OBSERVATIONS || (!rose && !fell))
        return CHANGE_NONE;
    *ret_age = test->count - (rose ? test->rise.low_at : test->fall.low_at);
    drift_page_hinkley_init(test, test->direction);
    return CHANGE_DRIFT;
}
