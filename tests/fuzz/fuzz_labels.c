/* fuzz_labels.c - libFuzzer target of bodies with labels; corpus in corpus/labels/. */
#include "json/labels.h"

#include "text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LABELS 8

static void check_error(int r, const struct input_error *error)
{
    size_t bytes = strlen(error->detail);

    if (r != -EINVAL || bytes == 0 || !utf8_is_valid(error->detail, bytes) ||
        strchr(error->detail, '\n') ||
        (error->status != 400 && error->status != 413 && error->status != 422))
        abort();
}

static void check_label(const struct input_label *label)
{
    if (label->id_bytes == 0 || label->id_bytes > OBSERVATION_ID_MAX_BYTES ||
        strlen(label->id) != label->id_bytes || !utf8_is_valid(label->id, label->id_bytes))
        abort();
    if (label->label.text
            ? strlen(label->label.text) != label->label.text_bytes || !isnan(label->label.number)
            : !isfinite(label->label.number))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input_labels labels;
    struct input_error error = {0};
    char *body = malloc(size ? size : 1); /* so that a read beyond it is seen */
    int r;

    if (!body)
        return 0;
    memcpy(body, data, size);
    r = input_labels_decode(body, size, MAX_LABELS, &labels, &error);
    if (r < 0) {
        check_error(r, &error);
        free(body);
        return 0;
    }
    if (labels.count == 0 || labels.count > MAX_LABELS || (!labels.batch && labels.count != 1))
        abort();
    for (size_t i = 0; i < labels.count; i++) {
        struct input_label label;

        r = input_labels_get(&labels, i, &label, &error);
        if (r < 0)
            check_error(r, &error);
        else
            check_label(&label);
    }
    input_labels_finish(&labels);
    free(body);
    return 0;
}
