/* limits.c - bounds the nesting and the size of a YAML file before it is read as a document: the
 * library's time grows with the square of the depth, and an alias may stand for any number of
 * values. */
#include "config/file.h"
#include "text/hash.h"

#include <string.h>

/* A configuration is six deep. */
#define MAX_DEPTH 64
/* A hundred models of two thousand features, aliases counted as what they stand for. */
#define MAX_VALUES  UINT64_C(2000000)
#define MAX_ANCHORS 256

struct anchor {
    uint64_t name, values;
};

struct counts {
    uint64_t values;
    size_t depth, anchors;
    struct anchor anchor[MAX_ANCHORS];
    struct {           /* of each list or mapping that is open */
        size_t anchor; /* MAX_ANCHORS: none */
        uint64_t values_before;
    } open[MAX_DEPTH];
};

static uint64_t name_of(const yaml_char_t *text)
{
    return text_hash((const char *)text, strlen((const char *)text));
}

/* The index of a new anchor; MAX_ANCHORS if there is none. False beyond the limit. */
static bool add_anchor(struct counts *counts, const yaml_char_t *text, size_t *ret_anchor)
{
    *ret_anchor = MAX_ANCHORS;
    if (!text)
        return true;
    if (counts->anchors == MAX_ANCHORS)
        return false;
    counts->anchor[counts->anchors] = (struct anchor){.name = name_of(text), .values = 1};
    *ret_anchor = counts->anchors++;
    return true;
}

/* The last anchor of that name. One that is missing is refused later. */
static void add_alias(struct counts *counts, const yaml_char_t *text)
{
    const uint64_t name = name_of(text);
    counts->values++;
    for (size_t a = counts->anchors; a-- > 0;)
        if (counts->anchor[a].name == name) {
            counts->values += counts->anchor[a].values;
            return;
        }
}

static bool begin(struct counts *counts, const yaml_char_t *text)
{
    size_t anchor;
    if (counts->depth == MAX_DEPTH || !add_anchor(counts, text, &anchor))
        return false;
    counts->open[counts->depth].anchor = anchor;
    counts->open[counts->depth++].values_before = counts->values++;
    return true;
}

static void end(struct counts *counts)
{
    const size_t anchor = counts->open[--counts->depth].anchor;
    if (anchor < MAX_ANCHORS)
        counts->anchor[anchor].values = counts->values - counts->open[counts->depth].values_before;
}

/* False beyond a limit. */
static bool count(struct counts *counts, const yaml_event_t *event)
{
    size_t anchor;
    switch (event->type) {
    case YAML_SEQUENCE_START_EVENT:
        return begin(counts, event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return begin(counts, event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        end(counts);
        return true;
    case YAML_SCALAR_EVENT:
        counts->values++;
        return add_anchor(counts, event->data.scalar.anchor, &anchor);
    case YAML_ALIAS_EVENT:
        add_alias(counts, event->data.alias.anchor);
        return true;
    default:
        return true;
    }
}

static int refuse(struct config_file *file, const struct counts *counts, size_t line)
{
    if (counts->depth == MAX_DEPTH)
        return config_file_fail_line(file, line, "", "nested more than %d deep", MAX_DEPTH);
    if (counts->values > MAX_VALUES)
        return config_file_fail_line(file, line, "",
                                     "more than %d values, an alias counted as what it stands for",
                                     (int)MAX_VALUES);
    return config_file_fail_line(file, line, "", "more than %d anchors", MAX_ANCHORS);
}

/* What is not YAML is left to the reader of documents, who says why. */
int config_limits_check(struct config_file *file)
{
    struct counts counts = {.values = 0};
    yaml_parser_t parser;
    yaml_event_t event;
    bool more = true;
    int rc = 0;
    if (!yaml_parser_initialize(&parser))
        return 0;
    yaml_parser_set_input_string(&parser, (const unsigned char *)file->bytes, file->size);
    while (rc == 0 && more && yaml_parser_parse(&parser, &event)) {
        more = event.type != YAML_STREAM_END_EVENT;
        if (!count(&counts, &event) || counts.values > MAX_VALUES)
            rc = refuse(file, &counts, event.start_mark.line + 1);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return rc;
}
