#!/usr/bin/python3
"""Make change_streams.csv, recorded streams for the detectors of change.

A line: name, then the values. Streams of errors are a string of 0 and 1; the others are whole
thousandths in [0, 1] with a space between. Run: /usr/bin/python3 tests/vectors/make_change_streams.py
"""
import pathlib
import random

HERE = pathlib.Path(__file__).parent


def steps(*parts):
    """(length, mean) after (length, mean)."""
    return [mean for length, mean in parts for _ in range(length)]


def ramp(length, low, high, begin, end):
    return [low + (high - low) * min(1, max(0, (i - begin) / (end - begin))) for i in range(length)]


MEANS = {
    "none_005": steps((2500, 0.05)),
    "none_020": steps((2500, 0.2)),
    "none_050": steps((2500, 0.5)),
    "abrupt_005_015": steps((1500, 0.05), (1500, 0.15)),
    "abrupt_010_030": steps((1200, 0.1), (1200, 0.3)),
    "abrupt_020_080": steps((1000, 0.2), (1000, 0.8)),
    "abrupt_005_095": steps((500, 0.05), (500, 0.95)),
    "early_010_060": steps((60, 0.1), (900, 0.6)),
    "late_010_040": steps((2400, 0.1), (300, 0.4)),
    "fall_030_010": steps((1200, 0.3), (1200, 0.1)),
    "fall_080_020": steps((1000, 0.8), (1000, 0.2)),
    "fall_095_005": steps((500, 0.95), (500, 0.05)),
    "up_down": steps((600, 0.1), (600, 0.5), (600, 0.1), (600, 0.5)),
    "stairs": steps(*[(400, 0.1 * i) for i in range(1, 8)]),
    "bursts": steps(*[(200, 0.05 if i % 2 else 0.4) for i in range(12)]),
    "gradual_010_040": ramp(2500, 0.1, 0.4, 800, 1800),
    "gradual_050_020": ramp(2500, 0.5, 0.2, 800, 1800),
    "creeping": ramp(3000, 0.05, 0.5, 0, 3000),
    "improving": ramp(3000, 0.5, 0.05, 0, 3000),
    "rare": steps((1500, 0.004), (1500, 0.03)),
    "always_right": steps((700, 0)),
    "always_wrong": steps((700, 1)),
    "right_then_wrong": steps((400, 0), (300, 1)),
    "wrong_then_right": steps((400, 1), (400, 0)),
}
REAL = ("none_020", "abrupt_010_030", "abrupt_020_080", "fall_080_020", "up_down", "stairs", "bursts",
        "gradual_010_040", "gradual_050_020", "creeping")


def thousandth(rng, mean):
    return min(1000, max(0, round(1000 * rng.gauss(mean, 0.1))))


def main():
    rng = random.Random(54)
    with open(HERE / "change_streams.csv", "w", encoding="ascii") as out:
        for name, means in MEANS.items():
            out.write(f"{name},{''.join(str(int(rng.random() < mean)) for mean in means)}\n")
        out.write(f"periodic,{'00001' * 300}{'001' * 300}\n")
        for name in REAL:
            values = (str(thousandth(rng, mean)) for mean in MEANS[name])
            out.write(f"real_{name},{' '.join(values)}\n")
        out.write(f"real_constant,{' '.join(['300'] * 600)}\n")


if __name__ == "__main__":
    main()
