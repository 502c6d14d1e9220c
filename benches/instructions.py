#!/usr/bin/env python3
"""How many instructions jwtriage takes for small logs of four kinds, beside what is written in instructions.csv.

usage: benches/instructions.py BINARY [--bless]

Ends with 1 if a kind takes more than 5 % more, with 77 if it cannot be told: without valgrind, or where another compiler made
the binary than made the figures. BINARY is a release build without link-time optimisation, as .ci/run makes it. `--bless` writes
the figures anew; do so when a change is worth its cost, and say so in the commit.

What each kind watches: `nothing` the start and the end, `sparse` reading and searching, `decoy` how what is no token is turned
away, `dense` tokens that are known, `mixed` tokens that are new, messages and reports.
"""
import csv
import os
import re
import subprocess
import sys
import tempfile

import logs

FIGURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.csv")
ALLOWED = 1.05
# Bytes and distinct tokens.
SIZES = {"nothing": (0, 1), "sparse": (16 << 20, 100), "decoy": (8 << 20, 1), "dense": (12 << 20, 300), "mixed": (16 << 20, 2_000)}


def skip(reason):
    print(f"instructions were not counted: {reason}")
    sys.exit(77)


def count(binary, kind, folder):
    log = f"{folder}/{kind}.log"
    size, tokens = SIZES[kind]
    logs.write(log, kind if size else "sparse", size, tokens)
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
    command += [binary, "scan", log, "--threads", "1", "--out", f"{folder}/{kind}", "--now", "2026-06-12T12:00:00Z"]
    ran = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    collected = re.search(r"Collected : (\d+)", ran.stderr)
    if ran.returncode not in (0, 1) or not collected:
        sys.exit(f"valgrind ended with {ran.returncode}:\n{ran.stderr}")
    return int(collected[1])


def main():
    bless = "--bless" in sys.argv[1:]
    [binary] = [argument for argument in sys.argv[1:] if argument != "--bless"]
    try:
        subprocess.run(["valgrind", "--version"], check=True, stdout=subprocess.DEVNULL)
    except OSError:
        skip("there is no valgrind")
    compiler = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    with open(FIGURES, newline="") as figures:
        known = {row["kind"]: row for row in csv.DictReader(figures)}
    if not bless and any(row["compiler"] != compiler for row in known.values()):
        skip(f"the figures are of another compiler than {compiler}")
    with tempfile.TemporaryDirectory() as folder:
        counted = {kind: count(os.path.abspath(binary), kind, folder) for kind in SIZES}
    slower = 0
    for kind, instructions in counted.items():
        before = int(known[kind]["instructions"]) if kind in known else instructions
        is_slower = instructions > ALLOWED * before
        slower += is_slower
        print(f"{kind:8s} {instructions:>14,} instructions, {instructions / before - 1:+.2%}{' TOO MANY' * is_slower}")
    if bless:
        with open(FIGURES, "w", newline="") as figures:
            out = csv.writer(figures, lineterminator="\n")
            out.writerow(("kind", "instructions", "compiler"))
            out.writerows((kind, instructions, compiler) for kind, instructions in counted.items())
    elif slower:
        sys.exit(1)


main()
