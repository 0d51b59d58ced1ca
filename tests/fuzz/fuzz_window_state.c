/* fuzz_window_state.c - libFuzzer target of the reader of saved windows; corpus in
 * corpus/window_state/.
 * Run by scripts/fuzz.sh window_state. */
#include "stats/window_state_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    state_replay(data, size);
    return 0;
}
