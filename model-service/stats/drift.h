/* drift.h - libdrift: exact streaming statistics of data drift. Includes every public header.
 *
 * Start with reference.h (what the training data looked like) and feature_window.h (what is seen
 * now); divergence.h, ks.h and special.h are the batch kernels under them, evidence.h corrects
 * for many tests. See examples/libdrift/example.c. */
#ifndef DRIFT_DRIFT_H
#define DRIFT_DRIFT_H

#include "change_detector.h"
#include "change_watch.h"
#include "divergence.h"
#include "drift_types.h"
#include "evidence.h"
#include "exact_sum.h"
#include "feature_window.h"
#include "homogeneity.h"
#include "ks.h"
#include "ks_tree.h"
#include "label_store.h"
#include "performance.h"
#include "proportion.h"
#include "reference.h"
#include "roc_auc.h"
#include "special.h"
#include "urn.h"
#include "urn_bets.h"
#include "urn_bins.h"
#include "urn_episode.h"
#include "urn_feature.h"
#include "urn_neighbours.h"
#include "urn_order.h"

#endif
