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
# What the kernels may call: mathematics, memory at creation, bytes and strings. No input or output,
# clock, thread, lock, environment or random source.
ALLOWED = {
    "aligned_alloc", "asin", "atanh", "calloc", "cos", "erfc", "exp", "expm1", "fma", "fmax", "fmin", "free",
    "ldexp", "lgamma_r", "log", "log1p", "lround", "malloc", "memcmp", "memcpy", "memmove", "memset",
    "nextafter", "pow", "qsort", "realloc", "sin", "sincos", "sqrt", "strcmp", "strdup", "strlen",
}
# put there by the compiler and the linker: start-up, 128-bit arithmetic, hardening, sanitizers
RUNTIME = re.compile(r"__cxa_finalize|__gmon_start__|_ITM_.*|__(float|fix|u?div|u?mod)\w*ti\w*|"
                     r"__stack_chk_fail|__mem(cpy|move|set)_chk|__(asan|lsan|msan|tsan|ubsan|sanitizer)_.*")

# The only files that may include each library.
LIBRARIES = {
    "jansson.h": {"json/body.h", "json/limit.h", "inbox/payload.c"},
    "cyaml/cyaml.h": {"config/file.h"},
    "yaml.h": {"config/file.h"},
    "zlib.h": {"http/gzip.c", "csv/source.c"},
    "sqlite3.h": {"state/internal.h"},
}

# A room is a folder, or in the root the files of one subject. What each room may include beside its
# own files; every room but stats/ may include those of COMMON below it.
COMMON = {"row", "encode", "text"}
MAY_INCLUDE = {
    "main": {"app", "cli", "check", "init", "inbox"},
    "app": {"service", "service/metrics", "served", "http", "config", "system", "cli"},
    "state": {"system"},
    "service/metrics": {"service", "served", "http", "system"},
    "alerts": {"system"},
    "service": {"alerts", "served", "report", "state", "json", "http", "config", "system", "web"},
    "served/build": {"served", "drift_detector", "concept_monitor", "data_generator", "score", "config",
                     "json", "csv", "system"},
    "served": {"drift_detector", "concept_monitor", "data_generator", "score", "config", "system"},
    "check": {"report", "drift_detector", "stats", "csv", "config", "cli", "system"},
    "report": {"drift_detector", "web"},
    "init": {"csv", "config", "cli"},
    "inbox": {"http", "json", "cli", "system", "web"},
    "cli": {"served", "state", "data_generator", "http", "config", "system"},
    "drift_detector": {"stats"},
    "concept_monitor": {"stats"},
    "data_generator": {"stats"},
    "http": {"system"},
    "config": {"system"},
    "json": set(), "csv": {"system"}, "score": {"score/forest"}, "score/forest": set(), "system": set(),
    "row": {"text"}, "encode": {"text"}, "text": set(), "web": set(), "stats": set(),
}
BELOW = COMMON | {"stats", "web"} # may include no other room but what the table says
MOST_FLOORS = 8


def includes(path, pattern):
    return re.findall(r"^#include " + pattern, path.read_text(), re.M)


def room(path):
    """The room of a file, named by its path below model-service/."""
    folder = str(pathlib.PurePath(path).parent)
    if folder != ".":
        return folder
    subject = re.match(r"main|app|drift|change|concept_monitor|data_generator", path).group()
    return "drift_detector" if subject in ("drift", "change") else subject


def arrows():
    """{(room, included room): ["file: include", ...]}, without what the build generates."""
    found = {}
    for path in sorted(SOURCE.rglob("*.[ch]")):
        name = str(path.relative_to(SOURCE))
        for include in includes(path, r'"([^"]+)"'):
            target = f"stats/{include}" if room(name) == "stats" else include
            if target in ("version.h", "pow10_table.h") or target.startswith("web/"):
                continue
            assert (SOURCE / target).is_file(), f"{name} includes {include}: name it by its path"
            if room(target) != room(name):
                found.setdefault((room(name), room(target)), []).append(f"{name}: {target}")
    return found


def allowed(origin):
    return MAY_INCLUDE[origin] | (set() if origin in BELOW else COMMON)


def floors(graph):
    """{room: floor}: a room stands above every room that it includes. Fails on a circle."""
    height = {}

    def stand(name, above):
        assert name not in above, "a circle of includes: " + " -> ".join([*above, name])
        if name not in height:
            height[name] = 1 + max((stand(other, [*above, name]) for other in graph[name]), default=0)
        return height[name]

    for name in graph:
        stand(name, [])
    return height


def test_rooms_include_what_the_table_allows():
    wrong = [line for (origin, target), lines in arrows().items() if target not in allowed(origin)
             for line in lines]
    assert not wrong, "\n".join(["not in the table of tests/unit/test_layers.py:", *wrong])


def test_floors_and_circles():
    graph = {name: set() for name in MAY_INCLUDE}
    for origin, target in arrows():
        graph[origin].add(target)
    height = floors(graph)
    for level in range(max(height.values()), 0, -1):
        print(f"floor {level}: " + ", ".join(sorted(name for name in height if height[name] == level)))
    print(f"{len(arrows())} arrows, 0 circles, {max(height.values())} floors")
    assert max(height.values()) <= MOST_FLOORS


def test_one_clock():
    asking = re.compile(r"\b(clock_gettime|gettimeofday|timespec_get|time\((NULL|0|&))")
    found = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.c") if asking.search(path.read_text())}
    assert found == {"system/clock.c"}


def test_inner_headers_stay_in_their_room():
    """A header called internal.h opens a structure: only its own folder may include it."""
    for (_, target), lines in arrows().items():
        for line in lines:
            assert not line.endswith("internal.h") or line.startswith(target), line


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
    for path in sorted((SOURCE / "stats").glob("*.[ch]")):
        assert set(includes(path, r"<([^>]+)>")) <= plain, path.name
