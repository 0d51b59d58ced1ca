/* fuzz_change_detector.c - libFuzzer target of the reader of saved detectors of change; corpus in
 * corpus/change_detector/.
 * Run by scripts/fuzz.sh change_detector. */
#include "stats/change_detector_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    change_replay(data, size);
    return 0;
}
