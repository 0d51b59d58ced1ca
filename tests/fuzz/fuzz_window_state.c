/* fuzz_window_state.c - libFuzzer target of the reader of saved windows; corpus in
 * corpus/window_state/.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I../../model-service/stats \
 *     -I../unit fuzz_window_state.c ../../model-service/stats/[a-z]*.c -lm -o fuzz_window_state
 * ./fuzz_window_state -max_total_time=60 NEW_INPUTS corpus/window_state */
#include "window_state_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    state_replay(data, size);
    return 0;
}
