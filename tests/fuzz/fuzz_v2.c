/* fuzz_v2.c - libFuzzer target of the V2 protocol's inference requests; corpus in corpus/v2/.
 * Run by scripts/fuzz.sh v2. */
#include "../fuzz/v2_check.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    v2_check((const char *)data, size);
    return 0;
}
