/* weights_check.h - a file of weights, whatever its bytes. For the fuzzer and for the test that
 * replays its corpus. */
#ifndef WEIGHTS_CHECK_H
#define WEIGHTS_CHECK_H

#include "text/utf8.h"
#include "json/weights.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void weights_check_feature(const struct weights_feature *feature)
{
    if (!feature->name || !isfinite(feature->weight) || !isfinite(feature->mean) ||
        !isfinite(feature->scale) || feature->scale <= 0 || isinf(feature->missing) ||
        !isfinite(feature->other) || (!feature->categorical && feature->category_count))
        abort();
    for (size_t i = 0; i < feature->category_count; i++)
        if (!feature->categories[i].name || !isfinite(feature->categories[i].weight))
            abort();
}

static void weights_check(const char *text, size_t bytes)
{
    struct weights_file file;
    struct error error = {""};
    int r = weights_decode("weights.json", text, bytes, &file, &error);

    if (r == 0) {
        if (file.feature_count == 0 || !isfinite(file.intercept) ||
            !file.classes[0] != !file.classes[1])
            abort();
        for (size_t i = 0; i < file.feature_count; i++)
            weights_check_feature(&file.features[i]);
        weights_finish(&file);
    } else if (r != -EINVAL || strncmp(error.text, "weights.json:", 13) != 0 ||
               strchr(error.text, '\n') || !utf8_is_valid(error.text, strlen(error.text))) {
        abort();
    }
}

#endif
