/* numeric_bins.h - the histogram bins of a numeric reference. Internal to libdrift. */
#ifndef DRIFT_NUMERIC_BINS_H
#define DRIFT_NUMERIC_BINS_H

#include "reference.h"

/* Fills bins, missing_bin, infinite_bin, bin_of_cell and bin_count from the values and counts, as
 * described at struct numeric_reference. 0 or -ENOMEM; the caller finishes ref on failure. */
NODISCARD int numeric_bins_build(struct numeric_reference *ref, size_t bins);

#endif
