#!/usr/bin/env python3
"""Turns files, one after the other, into a C header with their bytes: embed.py OUTPUT NAME INPUT..."""
import pathlib
import sys

target, name, *sources = sys.argv[1:]
data = b"".join(pathlib.Path(source).read_bytes() for source in sources)
lines = [", ".join(str(byte) for byte in data[i : i + 20]) for i in range(0, len(data), 20)]
pathlib.Path(target).write_text(
    f"/* The bytes of {', '.join(pathlib.Path(source).name for source in sources)}; written by the build. */\n"
    f"static const unsigned char {name}[] = {{\n    " + ",\n    ".join(lines) + "};\n"
)
