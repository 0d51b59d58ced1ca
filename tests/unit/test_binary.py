"""How the program and the library are linked, as readelf and nm of binutils see it."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("MODEL_SERVICE_BINARY", ROOT / "build" / "model-service"))
LIBRARY = pathlib.Path(os.environ.get("LIBDRIFT", BINARY.parent / "stats" / "libdrift.so"))


def output(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("file", [BINARY, LIBRARY], ids=lambda file: file.name)
def test_addresses_of_functions_are_read_only_from_the_start(file):
    dynamic = output("readelf", "-dW", file)
    assert re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b", dynamic), dynamic
    assert "GNU_RELRO" in output("readelf", "-lW", file)


def test_the_program_is_position_independent_and_its_stack_is_not_executable():
    assert re.search(r"Type:\s+DYN", output("readelf", "-hW", BINARY))
    stack = re.search(r"GNU_STACK.*", output("readelf", "-lW", BINARY))[0]
    assert "RWE" not in stack, stack


def test_the_program_calls_the_checked_functions_of_the_c_library():
    symbols = output("nm", "-D", "--undefined-only", BINARY)
    assert re.search(r"__(mem|str|v?sn?print)\w*_chk\b", symbols), symbols
