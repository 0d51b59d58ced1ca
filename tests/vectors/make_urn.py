#!/usr/bin/python3
"""Writes urn.csv: evidence, kind of change and age of the urn's prototype on the streams of
tests/unit/stats/urn_stream.h.

usage: make_urn.py FOLDER      the prototype's urn.c and urn.h; needs gcc

The prototype is compiled without and with -ffast-math, and the two must agree to 1e-4."""
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
DRIVER = r"""
#include "urn.h"
#include "stats/urn_stream.h"

static int compare(const void *a, const void *b) { return compare_values(a, b); }

static int fill_categories(const double *reference, int rows, double *mass)
{
    int categories = 0, bins = 1;
    double count[64] = {0};
    mass[0] = 1;
    for (int i = 0; i < rows; i++) {
        count[(int)reference[i]]++;
        if ((int)reference[i] >= categories) categories = (int)reference[i] + 1;
    }
    for (int i = 0; i < categories; i++) {
        if (count[i] == 0) exit(3); /* the test takes the ranks for the order by frequency */
        mass[bins++] = count[i] + 0.5;
        mass[0] += count[i] == 1;
    }
    return bins;
}

static void run(int number)
{
    const struct urn_case *c = &urn_cases[number];
    static double reference[URN_MAX_ROWS];
    double edge[2 * URN_MAX_BINS], mass[2 * URN_MAX_BINS];
    uint64_t seed = urn_seed(number);
    for (int i = 0; i < c->reference_rows; i++) reference[i] = urn_row(c, &seed, 0);
    const int categorical = c->shape == URN_SHAPE_CATEGORIES;
    if (!categorical) qsort(reference, (size_t)c->reference_rows, sizeof(double), compare);
    const int bins = categorical ? fill_categories(reference, c->reference_rows, mass)
                                 : urn_bins(reference, (size_t)c->reference_rows, edge, mass);
    const struct urn_options o = {.discount = c->discount, .no_shape = c->discount > 1};
    struct urn_table *t = categorical ? urn_table_categories(mass, bins, &o) : urn_table_numeric(mass, bins, &o);
    struct urn *u = urn_create(t, edge, categorical ? 0 : bins - 1, mass, &o);
    int restarts = 0;
    for (int i = 0; i < URN_ROWS; i++) {
        const double x = urn_row(c, &seed, i >= URN_CHANGE_AT);
        int bin = categorical ? (int)x + 1 : urn_bin(u, x);
        if (categorical && bin >= bins) bin = 0;
        const double evidence = urn_observe(u, bin);
        int kind, index;
        double size, age;
        urn_explain(u, &kind, &size, &index, &age);
        if ((i + 1) % URN_RECORDED == 0)
            printf("%d,%d,%d,%d,%.9g,%s,%.9g\n", number, bins, i + 1, restarts, evidence,
                   urn_kind_name[kind], age);
        if (evidence >= URN_RESTART_AT) { urn_restart(u); restarts++; }
    }
}

int main(void)
{
    for (int i = 0; i < URN_CASES; i++) run(i);
}
"""


def build(folder, out, *flags):
    source = out / "driver.c"
    source.write_text(DRIVER)
    subprocess.run(["gcc", "-O2", "-march=native", *flags, f"-I{folder}", f"-I{HERE.parent / 'unit'}", source,
                    f"{folder}/urn.c", "-lm", "-o", out / "driver"], check=True)
    return subprocess.run([out / "driver"], check=True, capture_output=True, text=True).stdout


def main():
    with tempfile.TemporaryDirectory() as scratch:
        plain = build(sys.argv[1], pathlib.Path(scratch))
        quick = build(sys.argv[1], pathlib.Path(scratch), "-O3", "-ffast-math", "-fno-finite-math-only")
    worst = 0
    for a, b in zip(plain.splitlines(), quick.splitlines()):
        x, y = float(a.split(",")[4]), float(b.split(",")[4])
        worst = max(worst, abs(x - y) / x)
    print(f"with and without -ffast-math: relative difference at most {worst:.2g}")
    assert worst < 1e-4
    (HERE / "urn.csv").write_text("case,bins,row,restarts,evidence,kind,age\n" + plain)


main()
