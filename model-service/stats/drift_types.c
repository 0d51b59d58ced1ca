/* drift_types.c - names of the methods and which features they suit. */
#include "drift_types.h"

struct method_info {
    const char *name;
    int numeric;
    int categorical;
};

static const struct method_info methods[METHOD_COUNT] = {
    [METHOD_KS_TEST] = {"ks_test", 1, 0},
    [METHOD_PSI] = {"psi", 1, 1},
    [METHOD_CHI_SQUARE] = {"chi_square", 1, 1},
    [METHOD_JENSEN_SHANNON] = {"jensen_shannon", 1, 1},
    [METHOD_HELLINGER] = {"hellinger", 1, 1},
    [METHOD_WASSERSTEIN] = {"wasserstein", 1, 0},
    [METHOD_CRAMER_VON_MISES] = {"cramer_von_mises", 1, 0},
    [METHOD_L_INFINITY] = {"l_infinity", 0, 1},
};

static int in_range(enum drift_method method)
{
    return (unsigned)method < METHOD_COUNT;
}

const char *drift_method_name(enum drift_method method)
{
    return in_range(method) ? methods[method].name : NULL;
}

int drift_method_applies(enum drift_method method, enum feature_type type)
{
    if (!in_range(method))
        return 0;
    switch (type) {
    case FEATURE_NUMERIC:
        return methods[method].numeric;
    case FEATURE_CATEGORICAL:
        return methods[method].categorical;
    }
    return 0;
}
