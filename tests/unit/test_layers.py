"""The direction of dependency (docs/design.md), read from the includes and from the symbols that the
kernel library asks of others."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "model-service"
LIBRARY = pathlib.Path(os.environ.get("LIBDRIFT", ROOT / "build/stats/libdrift.so"))
FOLDERS = ("stats", "encode", "adapt", "model")

# What the kernels may call: mathematics, memory at creation, bytes and strings. No input or output,
# clock, thread, lock, environment or random source.
ALLOWED = {
    "aligned_alloc", "atanh", "calloc", "cos", "erfc", "exp", "expm1", "fma", "fmax", "fmin", "free",
    "ldexp", "lgamma_r", "log", "log1p", "lround", "malloc", "memcmp", "memcpy", "memmove", "memset",
    "pow", "qsort", "realloc", "sin", "sincos", "sqrt", "strcmp", "strdup", "strlen",
}
# put there by the compiler and the linker: start-up, 128-bit arithmetic, hardening, sanitizers
RUNTIME = re.compile(r"__cxa_finalize|__gmon_start__|_ITM_.*|__(float|fix|u?div|u?mod)\w*ti\w*|"
                     r"__stack_chk_fail|__mem(cpy|move|set)_chk|__(asan|lsan|msan|tsan|ubsan|sanitizer)_.*")

# The only files that may include each library.
LIBRARIES = {
    "microhttpd.h": {"adapt/http_connection.h"},
    "jansson.h": {"adapt/json_body.h", "adapt/json_limit.h", "adapt/slack_decoder.h"},
    "xgboost/c_api.h": {"model/xgboost.c"},
    "cyaml/cyaml.h": {"adapt/config_file.h"},
    "yaml.h": {"adapt/config_file.h"},
    "zlib.h": {"adapt/gzip.c"},
}


def includes(path, pattern):
    return re.findall(r"^#include " + pattern, path.read_text(), re.M)


def sources(folder):
    return sorted((SOURCE / folder).glob("*.[ch]"))


def own_header(folder, name):
    """Whether a quoted include names a file of the folder, however it is written."""
    generated = {"encode": {"pow10_table.h"}}.get(folder, set())
    base = name.removeprefix(folder + "/")
    return base in generated or (SOURCE / folder / base).is_file()


@pytest.mark.parametrize("folder", FOLDERS)
def test_siblings_do_not_include_each_other(folder):
    assert sources(folder)
    for path in sources(folder):
        for name in includes(path, r'"([^"]+)"'):
            assert own_header(folder, name), f"{path.relative_to(ROOT)} includes {name}"


def test_detector_and_generator_know_only_the_kernels():
    for path in [*SOURCE.glob("drift_*.[ch]"), *SOURCE.glob("concept_*.[ch]"),
                 *SOURCE.glob("data_generator.[ch]")]:
        for name in includes(path, r'"([^"]+)"'):
            own = re.fullmatch(r"(drift_|concept_|data_generator).*\.h", name)
            assert own or (SOURCE / "stats" / name).is_file(), f"{path.name} includes {name}"


@pytest.mark.parametrize("header", LIBRARIES)
def test_each_library_stays_behind_its_adapter(header):
    found = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.[ch]")
             if header in includes(path, r"<([^>]+)>")}
    assert found and found <= LIBRARIES[header], found


def test_kernels_ask_nothing_of_the_world():
    listing = subprocess.run(["nm", "-D", "--undefined-only", LIBRARY], check=True, text=True,
                             capture_output=True).stdout
    asked = {line.split()[-1].split("@")[0] for line in listing.splitlines()}
    assert "calloc" in asked, "the listing is not empty"
    assert {name for name in asked if name not in ALLOWED and not RUNTIME.fullmatch(name)} == set()


def test_kernels_include_only_plain_headers_of_c():
    plain = {"errno.h", "float.h", "limits.h", "math.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h",
             "string.h"}
    for path in sources("stats"):
        assert set(includes(path, r"<([^>]+)>")) <= plain, path.name
