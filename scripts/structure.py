#!/usr/bin/env python3
"""Prints the structure of the C sources: rooms, includes, and how long functions are.

usage: scripts/structure.py [ROOT]      default: this project

A room is a folder of model-service/, or the files of its root whose names begin alike. A unit is a
source file with its header. Floors: the longest chain of includes. A circle is a group whose members
include each other, and its arrows are those that must run back up."""
import pathlib
import re
import statistics
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1])
SOURCE = ROOT / "model-service"


def included(path):
    """The files of the project that a file includes."""
    for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.M):
        for folder in (path.parent, SOURCE, SOURCE / "stats"):
            if (folder / name).is_file():
                yield (folder / name).resolve()
                break


def graph_of(files, name_of):
    graph = {name_of(path): set() for path in files}
    for path in files:
        graph[name_of(path)] |= {name_of(other) for other in included(path)} - {name_of(path)}
    return graph


def components(graph):
    """Strongly connected components, each after those that it reaches (Tarjan 1972)."""
    order, low, stack, found = {}, {}, [], []

    def visit(name):
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in graph[name]:
            if other not in order:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == order[name]:
            at = stack.index(name)
            found.append(stack[at:])
            del stack[at:]

    for name in graph:
        if name not in order:
            visit(name)
    return found


def floors(graph):
    """[names of floor 1, of floor 2, ...]; a circle stands on one floor."""
    height = {}
    for group in components(graph):
        below = {other for name in group for other in graph[name]} - set(group)
        for name in group:
            height[name] = 1 + max((height[other] for other in below), default=0)
    return [sorted(name for name in height if height[name] == level)
            for level in range(1, max(height.values()) + 1)]


def function_lengths(path):
    """(lines, name) of every function: from its opening brace in the first column to its end."""
    began, name, found = 0, "", []
    for number, line in enumerate(path.read_text().split("\n"), 1):
        opened = re.match(r"[a-z].*?(\w+)\(", line)
        if opened and not line.endswith(";"):
            name = opened.group(1)
        if line == "{":
            began = number
        if line == "}" and began:
            found.append((number - began - 1, f"{path.relative_to(ROOT)}:{name}"))
            began = 0
    return found


def room_of(path):
    folder = str(path.resolve().parent.relative_to(SOURCE.resolve()))
    if folder != ".":
        return folder
    return re.match(r"concept_monitor|data_generator|served_model|[a-z]+", path.name).group()


def unit_of(path):
    return str(path.resolve().relative_to(SOURCE.resolve()).with_suffix(""))


def report(title, graph):
    circles = [set(group) for group in components(graph) if len(group) > 1]
    arrows = sum(len(targets) for targets in graph.values())
    back = sum(len(graph[name] & group) for group in circles for name in group)
    print(f"{title}: {len(graph)}, arrows {arrows}, floors {len(floors(graph))}, circles {len(circles)}, "
          f"arrows inside circles {back}")
    for group in circles:
        print("  circle: " + ", ".join(sorted(group)))


def main():
    files = sorted(SOURCE.rglob("*.[ch]"))
    print(f"{'room':<18}{'files':>6}{'lines':>8}")
    for room in sorted({room_of(path) for path in files}):
        own = [path for path in files if room_of(path) == room]
        print(f"{room:<18}{len(own):>6}{sum(len(path.read_text().splitlines()) for path in own):>8}")
    print(f"{'all':<18}{len(files):>6}{sum(len(path.read_text().splitlines()) for path in files):>8}\n")
    report("units", graph_of(files, unit_of))
    rooms = graph_of(files, room_of)
    report("rooms", rooms)
    for level, names in reversed(list(enumerate(floors(rooms), 1))):
        print(f"  floor {level}: " + ", ".join(names))
    lengths = sorted(found for path in files if path.suffix == ".c" for found in function_lengths(path))
    counts = [length for length, _ in lengths]
    print(f"functions: {len(counts)}, median {statistics.median(counts):.0f} lines, longest:")
    for length, name in lengths[-3:]:
        print(f"  {length} {name}")


if __name__ == "__main__":
    main()
