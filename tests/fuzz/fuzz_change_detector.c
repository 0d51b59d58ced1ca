/* fuzz_change_detector.c - libFuzzer target of the reader of saved detectors of change; corpus in
 * corpus/change_detector/.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I../../model-service/stats \
 *     -I../unit fuzz_change_detector.c ../../model-service/stats/[a-z]*.c -lm \
 *     -o fuzz_change_detector
 * ./fuzz_change_detector -max_total_time=60 NEW_INPUTS corpus/change_detector */
#include "change_detector_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    change_replay(data, size);
    return 0;
}
