/* fuzz_urn.c - libFuzzer target of the reader of saved urns; corpus in corpus/urn/.
 * Run by scripts/fuzz.sh urn. */
#include "stats/urn_state_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urn_state_replay(data, size);
    return 0;
}
