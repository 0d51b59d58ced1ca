"""number.c against Python's repr: a million random bit patterns and every kind of boundary.

`meson test` sets ENCODE_PROBE, the executable of encode_probe.c, and ENCODE_LIBRARY."""

import math
import os
import random
import re
import struct
import subprocess

PROBE = os.environ["ENCODE_PROBE"]
LIBRARY = os.environ["ENCODE_LIBRARY"]
RANDOM_PATTERNS = 1_000_000

# All that encode/ may take from the C library: nothing here reads the locale.
ALLOWED = {
    "__assert_fail", "bcmp", "free", "memchr", "memcmp", "memcpy", "memmove", "memset", "realloc",
    "strchr", "strlen",
}


def probe(mode, values):
    done = subprocess.run([PROBE, mode], input=struct.pack(f"={len(values)}d", *values),
                          capture_output=True, check=True, timeout=120)
    lines = done.stdout.decode("ascii").split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(values)
    return lines


def from_bits(bits):
    return struct.unpack("=d", struct.pack("=Q", bits))[0]


def special(value):
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def expected(value):
    if not math.isfinite(value):
        return special(value)
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def expected_le(value):
    """Go's strconv.FormatFloat(value, 'g', -1, 64), then ".0" where it looks like an integer."""
    if not math.isfinite(value):
        return special(value)
    sign = "-" if math.copysign(1, value) < 0 else ""
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole + fraction) - len(digits)
    exponent = int(power or 0) + len(whole) - 1 - leading_zeros
    digits = digits.rstrip("0")
    if not digits:
        return sign + "0.0"
    if exponent < -4 or exponent >= 6:
        point = "." if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{point}{digits[1:]}e{exponent:+03d}"
    if exponent < 0:
        return sign + "0." + "0" * (-exponent - 1) + digits
    digits = digits.ljust(exponent + 1, "0")
    return f"{sign}{digits[:exponent + 1]}.{digits[exponent + 1:] or '0'}"


def neighbours(value):
    return [value, math.nextafter(value, math.inf), math.nextafter(value, -math.inf)]


def boundaries():
    values = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, from_bits((1 << 52) - 1),
              2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 0.3, 2 / 3, 9007199254740993.0]
    for exponent in range(-1074, 1024):  # the lower neighbour is closer
        values += neighbours(math.ldexp(1.0, exponent))
    for exponent in range(-323, 309):
        values += neighbours(float(f"1e{exponent}"))
        values += neighbours(float(f"9.999999999999999e{exponent - 1}"))
    for integer in range(2**53 - 200, 2**53 + 200):
        values += [float(integer), -float(integer)]
    values += neighbours(1e15) + neighbours(1e16) + neighbours(1e17) + neighbours(1e6)
    return values


def check(values):
    wrong = [(v.hex(), got, expected(v)) for v, got in zip(values, probe("number", values))
             if got != expected(v)]
    assert wrong[:5] == []
    wrong = [(v.hex(), got, expected_le(v)) for v, got in zip(values, probe("le", values))
             if got != expected_le(v)]
    assert wrong[:5] == []


def test_random_bit_patterns():
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # shown by pytest on failure
    generator = random.Random(seed)
    values = list(struct.unpack(f"={RANDOM_PATTERNS}d", generator.randbytes(8 * RANDOM_PATTERNS)))
    wrong = [(v.hex(), got, expected(v)) for v, got in zip(values, probe("number", values))
             if got != expected(v)]
    assert wrong[:5] == []


def test_boundaries():
    check(boundaries())


def test_short_decimals():
    generator = random.Random(7)
    values = []
    for digits in range(1, 18):
        for _ in range(1000):
            power = generator.randrange(-22, 23)
            values.append(float(f"{generator.randrange(10**digits)}e{power - digits}"))
    check(values + [thousandth / 1000 for thousandth in range(20000)])


def test_integers():
    generator = random.Random(11)
    check([float(generator.randrange(2**bits)) for bits in range(1, 64) for _ in range(200)])


def test_le_agrees_with_prometheus_client():
    """On the values for which that library promises the canonical form: positive bounds."""
    from prometheus_client.utils import floatToGoString

    values = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 250.0, 1e5, 123456.0,
              1e6, 1.5e6, 12345678.0, math.inf]
    assert probe("le", values) == [floatToGoString(v) for v in values]


def test_takes_nothing_that_reads_the_locale():
    listing = subprocess.run(["nm", "--undefined-only", LIBRARY], capture_output=True, text=True,
                             check=True, timeout=60).stdout
    undefined = set(re.findall(r" U (\w+)", listing))
    own = set(re.findall(r" T (\w+)", subprocess.run(["nm", "--defined-only", LIBRARY], text=True,
                                                     capture_output=True, check=True,
                                                     timeout=60).stdout))
    assert own > {"number_format", "json_number", "exposition_sample"}
    foreign = {name for name in undefined - own
               if not re.match(r"_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__mem\w+_chk|___?(asan|ubsan|"
                               r"tsan|sanitizer|gcov|llvm)_", name)}
    assert foreign <= ALLOWED
