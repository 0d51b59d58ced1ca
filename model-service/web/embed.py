#!/usr/bin/env python3
"""Turns a file into a C header with its bytes: embed.py INPUT OUTPUT NAME"""
import pathlib
import sys

source, target, name = sys.argv[1:4]
data = pathlib.Path(source).read_bytes()
lines = [", ".join(str(byte) for byte in data[i : i + 20]) for i in range(0, len(data), 20)]
pathlib.Path(target).write_text(
    f"/* The bytes of {pathlib.Path(source).name}; written by the build. */\n"
    f"static const unsigned char {name}[] = {{\n    " + ",\n    ".join(lines) + "};\n"
)
