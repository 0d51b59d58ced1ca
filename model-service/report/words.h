/* words.h - what happened, in sentences. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include "report/report.h"

/* How a name stands in the format that is written. */
typedef void name_writer(struct buffer *out, const char *name);

/* "The mean rose from -0.25 to 0.42; the share above 1.3 grew from 10 % to 31 %." */
void words_feature(struct buffer *out, const struct detector_feature_report *feature,
                   const struct feature_picture *picture, name_writer *name);

/* "2 of 12 features drifted: amount the most." */
void words_summary(struct buffer *out, const struct report_view *view, name_writer *name);

/* "missing", "not in the reference", "other categories of the reference" for a reserved name; NULL
 * for any other. */
const char *words_reserved(const struct picture_category *category);

/* What a bin holds: "above 1.2, up to 3", "0", "missing". */
void words_bin(struct buffer *out, const struct shape_bin *bin);

#endif
