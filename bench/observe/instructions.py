#!/usr/bin/python3
"""What a row of POST /observe costs in instructions, and how many of them the urns take.

Runs each binary under valgrind's callgrind and sends it the rows of bench.py, once few and once many; the difference is what the
rows cost, without the start. It needs no quiet machine. Needs valgrind.

usage: bench/observe/instructions.py [--lines N] [--ordered] BINARY...      e.g. an older build and this one
"""
import argparse
import http.client
import pathlib
import random
import re
import signal
import subprocess
import tempfile

from bench import CONFIG, free_port, make_lines, write_files
import time

FEW = 2000  # fills the window, so that each row replaces one
URNS = "change_monitor_observe"


def connect(port, process):
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
            connection.connect()
            return connection
        except OSError:
            assert process.poll() is None, "the service did not start"
            time.sleep(0.1)
    raise SystemExit("the service did not listen within a minute")


def totals(binary, folder, lines):
    """Instructions in all, and within the urns."""
    port, out = free_port(), folder / "callgrind.out"
    process = subprocess.Popen(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", binary, "serve", "--config",
                                folder / "models.yml", "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    connection = connect(port, process)
    connection.request("POST", "/observe", lines, {"Content-Type": "application/x-ndjson"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    connection.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    told = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", out], check=True, capture_output=True,
                          text=True).stdout
    count = lambda pattern: sum(int(found.replace(",", "")) for found in re.findall(pattern, told))
    return count(r"([\d,]+) \(100.0%\)  PROGRAM TOTALS"), count(rf"([\d,]+) .*[:\s]{URNS}\b")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary", nargs="+", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=20000)
    parser.add_argument("--ordered", action="store_true", help="the reference has timestamps")
    arguments = parser.parse_args()
    print(f"{'binary':50} {'a row':>8} {'without urns':>12} {'urns':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder, source = pathlib.Path(name), random.Random(1)
        write_files(folder, source)
        if arguments.ordered:
            header, *rows = (folder / "reference.csv").read_text().splitlines()
            timed = [f"{header},t", *(f"{row},{i}" for i, row in enumerate(rows))]
            (folder / "reference.csv").write_text("\n".join(timed) + "\n")
            (folder / "models.yml").write_text(CONFIG.replace("score: score}", "score: score, timestamp: t}"))
        few, many = (make_lines(source, count) for count in (FEW, FEW + arguments.lines))
        for binary in arguments.binary:
            (all_few, urns_few), (all_many, urns_many) = (totals(binary, folder, lines) for lines in (few, many))
            row, urns = (all_many - all_few) / arguments.lines, (urns_many - urns_few) / arguments.lines
            print(f"{str(binary)[-50:]:50} {row:8.0f} {row - urns:12.0f} {urns:8.0f}   {urns / (row - urns):.1%}", flush=True)


if __name__ == "__main__":
    main()
