/* fuzz_model_file.c - libFuzzer target of the check that a model file is one whole object, before
 * XGBoost reads it; corpus in corpus/model_file/. Run by scripts/fuzz.sh model_file. */
#include "score/model_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;

    /* what is whole is not whole without its last byte, unless that is a blank */
    if (model_file_whole_ubjson(bytes, size) && model_file_whole_ubjson(bytes, size - 1))
        abort();
    if (model_file_whole_json(bytes, size) && bytes[size - 1] == '}' &&
        model_file_whole_json(bytes, size - 1))
        abort();
    return 0;
}
