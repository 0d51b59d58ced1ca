"""json_writer.c against Python's json and UTF-8 decoder."""

import json
import os
import random
import struct
import subprocess

PROBE = os.environ["ENCODE_PROBE"]


def encode(records):
    data = b"".join(struct.pack("=I", len(r)) + r for r in records)
    done = subprocess.run([PROBE, "json"], input=data, capture_output=True, check=True, timeout=120)
    lines = done.stdout.decode("utf-8").split("\n")  # strict: the output is UTF-8 whatever comes in
    assert lines.pop() == ""
    return lines


def check(records):
    lines = encode(records)
    assert len(lines) == len(records)
    for number, (line, record) in enumerate(zip(lines, records)):
        assert json.loads(line) == {"string": record.decode("utf-8", "replace"), "n": number}, record


def test_every_byte_and_pair():
    check([b""] + [bytes([a]) for a in range(256)])
    check([bytes([a, b]) for a in range(256) for b in range(0, 256, 3)])


def test_plain_runs_of_every_length_and_alignment():
    specials = [b'"', b"\\", b"\n", b"\x1f", b"\x7f", b"\x80", "é".encode(), b""]
    check([b"x" * before + s + b"y" * after
           for before in range(18) for after in range(18) for s in specials])


def test_every_character_comes_through():
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000, 7)]))
    check([text[i:i + 1000].encode() for i in range(0, len(text), 1000)])


def test_random_bytes():
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    generator = random.Random(seed)
    awkward = b'\x00\x1f "\\/\x7f\x80\x90\x9f\xa0\xbf\xc0\xc1\xc2\xe0\xed\xef\xf0\xf4\xf5\xff'
    records = [generator.randbytes(generator.randrange(40)) for _ in range(20000)]
    records += [bytes(generator.choices(awkward, k=generator.randrange(12))) for _ in range(20000)]
    check(records)


def test_compact_escapes():
    line, = encode(['\b\f\n\r\t"\\/\x01é'.encode()])
    assert line == '{"string":"\\b\\f\\n\\r\\t\\"\\\\/\\u0001é","n":0}'
