/* ranks_kernels.c - the two inner loops of ranks.c for vectors of 16, 32 and 64 bytes. */
#include "score/forest/ranks_internal.h"

#include <string.h>

/* A kernel for vectors of `width` bytes. The attribute is empty or names the processor's feature;
 * the loops stand in the functions that have it, as vectors of generic inline functions would be
 * taken apart before they are inlined. */
#define KERNEL(name, attribute, width)                                                             \
    typedef int8_t name##_bytes __attribute__((vector_size(width)));                               \
    typedef float name##_floats __attribute__((vector_size(width)));                               \
    typedef int32_t name##_counts __attribute__((vector_size(width)));                             \
                                                                                                   \
    attribute static void name##_count(const float *thresholds, size_t count, const float *cells,  \
                                       int32_t *ret_ranks)                                         \
    {                                                                                              \
        for (size_t r = 0; r < RANKS_ROWS; r += (width) / sizeof(float)) {                         \
            const name##_floats x = *(const name##_floats *)(cells + r);                           \
            name##_counts reached = {0};                                                           \
            for (size_t i = 0; i < count; i++)                                                     \
                reached -= x >= thresholds[i];                                                     \
            *(name##_counts *)(ret_ranks + r) = reached;                                           \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    attribute static void name##_descend(const struct ranked_node *node, size_t count,             \
                                         const int8_t *ranks, int8_t *arena)                       \
    {                                                                                              \
        for (const struct ranked_node *end = node + count; node < end; node++) {                   \
            const name##_bytes limit = (int8_t)node->limit - (name##_bytes){0};                    \
            for (size_t r = 0; r < RANKS_ROWS; r += (width)) {                                     \
                const name##_bytes rank = *(const name##_bytes *)(ranks + node->column + r);       \
                const name##_bytes left = *(const name##_bytes *)(arena + node->left + r);         \
                const name##_bytes right = *(const name##_bytes *)(arena + node->right + r);       \
                const name##_bytes to_right = rank > limit;                                        \
                *(name##_bytes *)(arena + node->result + r) =                                      \
                    (right & to_right) | (left & ~to_right);                                       \
            }                                                                                      \
        }                                                                                          \
    }

KERNEL(plain, , 16)
#ifdef __x86_64__
KERNEL(avx2, __attribute__((target("avx2"))), 32)
KERNEL(avx512, __attribute__((target("avx512f,avx512bw"))), 64)
#endif

const struct ranks_kernel ranks_kernel[RANKS_KERNELS] = {
    {16, plain_count, plain_descend},
#ifdef __x86_64__
    {32, avx2_count, avx2_descend},
    {64, avx512_count, avx512_descend},
#endif
};

size_t ranks_kernels(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        return 3;
    if (__builtin_cpu_supports("avx2"))
        return 2;
#endif
    return 1;
}
