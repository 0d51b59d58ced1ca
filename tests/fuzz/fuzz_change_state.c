/* fuzz_change_state.c - libFuzzer target of the reader of a saved monitor of changes; corpus in
 * corpus/change_state/.
 * Run by scripts/fuzz.sh change_state. */
#include "change_state_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    change_state_replay(data, size);
    return 0;
}
