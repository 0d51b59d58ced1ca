/* fuzz_observe.c - libFuzzer target of /observe's lines and bodies; corpus in corpus/observe/.
 * Run by scripts/fuzz.sh observe. */
#include "../fuzz/observe_check.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    observe_check((const char *)data, size);
    return 0;
}
