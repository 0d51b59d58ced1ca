/* categorical_reference.c - a dictionary of categories by descending frequency. */
#include "fingerprint.h"
#include "reference.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing needs empty slots to end a search: at most half of them are used. */
static size_t table_size_for(size_t entries)
{
    size_t size = 4;
    while (size < 2 * entries)
        size *= 2;
    return size;
}

static size_t slot_of_hash(uint64_t hash, size_t table_size)
{
    return (size_t)((hash ^ hash >> 32) & (table_size - 1));
}

static size_t slot_of(const char *name, size_t bytes, size_t table_size)
{
    return slot_of_hash(fingerprint_bytes(FINGERPRINT_START, name, bytes), table_size);
}

/* Never 0, which marks an empty slot. */
static uint64_t rare_hash(const char *name, size_t bytes)
{
    const uint64_t hash = fingerprint_bytes(FINGERPRINT_START, name, bytes);
    return hash != 0 ? hash : 1;
}

/* The slot that holds the hash, or the empty one where it belongs. */
static size_t rare_slot(const struct categorical_reference *ref, uint64_t hash)
{
    size_t slot = slot_of_hash(hash, ref->rare_size);
    while (ref->rare[slot] != 0 && ref->rare[slot] != hash)
        slot = (slot + 1) & (ref->rare_size - 1);
    return slot;
}

/* A category while it is being counted. */
struct candidate {
    const char *name;
    uint32_t count;
};

struct counting {
    struct candidate *candidate;
    uint32_t *table; /* index + 1 */
    size_t candidates, table_size;
};

static void count_rows(struct counting *counting, const char *name, uint32_t rows)
{
    size_t slot = slot_of(name, strlen(name), counting->table_size);
    while (counting->table[slot] != 0) {
        struct candidate *found = &counting->candidate[counting->table[slot] - 1];
        if (strcmp(found->name, name) == 0) {
            found->count += rows;
            return;
        }
        slot = (slot + 1) & (counting->table_size - 1);
    }
    counting->candidate[counting->candidates++] = (struct candidate){name, rows};
    counting->table[slot] = (uint32_t)counting->candidates;
}

static int by_frequency(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->name, y->name);
}

static void enter(struct categorical_reference *ref, uint32_t code)
{
    const char *name = ref->name[code];
    size_t slot = slot_of(name, strlen(name), ref->table_size);
    while (ref->table[slot] != 0)
        slot = (slot + 1) & (ref->table_size - 1);
    ref->table[slot] = code + 1;
}

static uint64_t fingerprint(const struct categorical_reference *ref)
{
    uint64_t hash = fingerprint_number(FINGERPRINT_START, ref->categories);
    for (size_t i = 0; i < ref->categories; i++)
        hash = fingerprint_bytes(hash, ref->name[i], strlen(ref->name[i]) + 1);
    for (size_t i = 0; i < ref->categories + 3; i++)
        hash = fingerprint_number(hash, ref->bin_count[i]);
    return hash;
}

/* What says how large a share the rare categories have where the rows did not choose them. */
static void count_scarce(struct categorical_reference *ref, const struct counting *counting)
{
    const uint64_t most = ref->rare_most;
    for (size_t i = 0; i < counting->candidates; i++) {
        const uint64_t rows = counting->candidate[i].count;
        if (rows <= most + 1)
            ref->scarce_rows += rows;
        else if (rows == most + 2)
            ref->scarce_next += (most + 1) * (most + 2);
    }
}

/* Counts the candidates beyond the cap together, and remembers which they are. */
static int build_rare(struct categorical_reference *ref, const struct candidate *rare, size_t count)
{
    ref->rare_categories = count;
    ref->rare_size = table_size_for(count);
    ref->rare = calloc(ref->rare_size, sizeof(*ref->rare));
    if (!ref->rare)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const uint64_t hash = rare_hash(rare[i].name, strlen(rare[i].name));
        ref->rare[rare_slot(ref, hash)] = hash;
        ref->bin_count[categorical_code_rare(ref)] += rare[i].count;
    }
    return 0;
}

/* Fills the dictionary from the sorted candidates. */
static int build(struct categorical_reference *ref, const struct counting *counting, size_t cap)
{
    const size_t kept = counting->candidates < cap ? counting->candidates : cap;
    for (size_t i = 0; i < counting->candidates; i++) {
        ref->once += counting->candidate[i].count == 1;
        ref->twice += counting->candidate[i].count == 2;
    }
    ref->table_size = table_size_for(kept);
    ref->name = calloc(kept + 1, sizeof(*ref->name));
    ref->name_bytes = calloc(kept + 1, sizeof(*ref->name_bytes));
    ref->bin_count = calloc(kept + 3, sizeof(*ref->bin_count));
    ref->table = calloc(ref->table_size, sizeof(*ref->table));
    if (!ref->name || !ref->name_bytes || !ref->bin_count || !ref->table)
        return -ENOMEM;
    for (size_t i = 0; i < kept; i++) {
        ref->name[i] = strdup(counting->candidate[i].name);
        if (!ref->name[i])
            return -ENOMEM;
        ref->name_bytes[i] = strlen(ref->name[i]);
        ref->categories++;
        ref->bin_count[i] = counting->candidate[i].count;
        enter(ref, (uint32_t)i);
    }
    const int rc = build_rare(ref, counting->candidate + kept, counting->candidates - kept);
    if (rc < 0)
        return rc;
    if (ref->rare_categories > 0) {
        ref->rare_most = counting->candidate[kept].count;
        count_scarce(ref, counting);
    }
    ref->bin_count[categorical_code_missing(ref)] = ref->missing_rows;
    ref->fingerprint = fingerprint(ref);
    return 0;
}

static int counting_init(struct counting *counting, size_t most)
{
    *counting = (struct counting){.table_size = table_size_for(most)};
    counting->candidate = calloc(most + 1, sizeof(*counting->candidate));
    counting->table = calloc(counting->table_size, sizeof(*counting->table));
    return counting->candidate && counting->table ? 0 : -ENOMEM;
}

/* The reference from what has been counted, which is freed. */
static int finish_counting(struct counting *counting, struct categorical_reference ref,
                           size_t max_categories, int rc, struct categorical_reference *ret_ref)
{
    if (rc == 0) {
        qsort(counting->candidate, counting->candidates, sizeof(*counting->candidate),
              by_frequency);
        rc = build(&ref, counting, max_categories);
    }
    free(counting->candidate);
    free(counting->table);
    if (rc == 0)
        *ret_ref = ref;
    else
        drift_categorical_reference_finish(&ref);
    return rc;
}

int drift_categorical_reference_init(struct categorical_reference *ret_ref, const char *const *rows,
                                     size_t count, size_t max_categories)
{
    if (!rows || count == 0 || count > REFERENCE_MAX_ROWS || max_categories == 0 ||
        max_categories > REFERENCE_MAX_CATEGORIES)
        return -EINVAL;
    struct categorical_reference ref = {.rows = count};
    struct counting counting;
    const int rc = counting_init(&counting, count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (!rows[i])
            ref.missing_rows++;
        else
            count_rows(&counting, rows[i], 1);
    }
    return finish_counting(&counting, ref, max_categories, rc, ret_ref);
}

static uint64_t all_rows(const struct counted_category *category, size_t count, uint64_t missing)
{
    uint64_t rows = missing;
    for (size_t i = 0; i < count && rows <= REFERENCE_MAX_ROWS; i++)
        rows = category[i].rows <= REFERENCE_MAX_ROWS ? rows + category[i].rows : UINT64_MAX;
    return rows;
}

int drift_categorical_reference_init_counted(struct categorical_reference *ret_ref,
                                             const struct counted_category *category, size_t count,
                                             uint64_t missing_rows, size_t max_categories)
{
    const uint64_t rows = all_rows(category, count, missing_rows);
    if (rows == 0 || rows > REFERENCE_MAX_ROWS || max_categories == 0 ||
        max_categories > REFERENCE_MAX_CATEGORIES)
        return -EINVAL;
    struct categorical_reference ref = {.rows = rows, .missing_rows = missing_rows};
    struct counting counting;
    const int rc = counting_init(&counting, count);
    for (size_t i = 0; rc == 0 && i < count; i++)
        count_rows(&counting, category[i].name, (uint32_t)category[i].rows);
    return finish_counting(&counting, ref, max_categories, rc, ret_ref);
}

void drift_categorical_reference_finish(struct categorical_reference *ref)
{
    if (!ref)
        return;
    for (size_t i = 0; i < ref->categories; i++)
        free(ref->name[i]);
    free(ref->name);
    free(ref->name_bytes);
    free(ref->bin_count);
    free(ref->table);
    free(ref->rare);
    *ref = (struct categorical_reference){0};
}

uint32_t drift_categorical_reference_code(const struct categorical_reference *ref, const char *name,
                                          size_t bytes)
{
    if (!name)
        return categorical_code_missing(ref);
    size_t slot = slot_of(name, bytes, ref->table_size);
    while (ref->table[slot] != 0) {
        const uint32_t code = ref->table[slot] - 1;
        if (ref->name_bytes[code] == bytes && memcmp(ref->name[code], name, bytes) == 0)
            return code;
        slot = (slot + 1) & (ref->table_size - 1);
    }
    const bool is_rare =
        ref->rare_categories > 0 && ref->rare[rare_slot(ref, rare_hash(name, bytes))] != 0;
    return is_rare ? categorical_code_rare(ref) : categorical_code_unseen(ref);
}
