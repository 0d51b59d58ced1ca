/* fuzz_history_state.c - libFuzzer target of the reader of saved histories; corpus in
 * corpus/history_state/.
 * Run by scripts/fuzz.sh history_state. */
#include "served/history_state_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    history_state_replay(data, size);
    return 0;
}
