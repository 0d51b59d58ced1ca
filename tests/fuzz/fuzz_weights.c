/* fuzz_weights.c - libFuzzer target of the files of logistic weights; corpus in corpus/weights/.
 * Run by scripts/fuzz.sh weights. */
#include "../fuzz/weights_check.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weights_check((const char *)data, size);
    return 0;
}
