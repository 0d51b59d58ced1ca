#!/usr/bin/env python3
"""make_pow10.py - writes the powers of ten that number.c needs, as a C header.

usage: make_pow10.py OUTPUT

Entry k - K_MIN holds ceil(10^k * 2^(127 - floor(log2(10^k)))): 10^k scaled to exactly 128 bits and
rounded up, as the proof of Schubfach wants it. Exact integers throughout."""

import sys

K_MIN, K_MAX = -292, 324


def scaled(k):
    """10^k * 2^s rounded up, with the s for which it has 128 bits."""
    numerator, denominator = (10**k, 1) if k >= 0 else (1, 10**-k)
    shift = 128 - numerator.bit_length() + denominator.bit_length()
    for s in (shift - 1, shift, shift + 1):
        top, bottom = numerator << max(s, 0), denominator << max(-s, 0)
        if 2**127 <= top // bottom < 2**128:
            return -(-top // bottom)
    raise AssertionError(k)


def main():
    lines = [
        "/* made by make_pow10.py */",
        f"#define POW10_MIN ({K_MIN})",
        f"#define POW10_MAX {K_MAX}",
        "",
        "static const struct { uint64_t high, low; } pow10_table[POW10_MAX - POW10_MIN + 1] = {",
    ]
    for k in range(K_MIN, K_MAX + 1):
        high, low = divmod(scaled(k), 2**64)
        lines.append(f"    {{0x{high:016x}, 0x{low:016x}}}, /* 1e{k} */")
    lines.append("};")
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
