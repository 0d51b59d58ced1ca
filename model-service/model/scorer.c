/* scorer.c - dispatch to the back end a scorer was created by. */
#include "model/back_end.h"

double scorer_score(const struct scorer *scorer, const double *features, uint64_t sequence)
{
    return scorer->back_end->score(scorer, features, sequence);
}

size_t scorer_feature_count(const struct scorer *scorer)
{
    return scorer->feature_count;
}

void scorer_destroy(struct scorer *scorer)
{
    if (scorer)
        scorer->back_end->destroy(scorer);
}

const char *scorer_class(double score)
{
    return score > SCORER_CLASS_THRESHOLD ? "positive" : "negative";
}
