#!/usr/bin/env python3
"""jwtriage beside the tools a person would reach for, on the same bytes, in turns.

usage: benches/side_by_side.py BINARY [--dir DIR] [--mib N] [--runs N] [--only WORD]

jwtriage does its whole job with a policy: it finds, judges and counts every token and writes all reports. The others only find,
copy or decompress. Needs rg, igzip (isal), zstd and gzip on PATH; rows of what is missing are left out. The logs are made once,
in DIR (default: target/side_by_side). The table is Markdown; times are medians, the ratio is the median of the ratios of pairs.
"""
import argparse
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import time

import logs

POLICY = "\n".join(
    f'[[issuer]]\niss = "https://id{n}.example.net"\naudiences = ["orders"]\nalgorithms = ["RS256", "ES256"]\n' for n in range(2)
)
FIND = r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.?[A-Za-z0-9_-]*"


def prepare(folder, mib):
    done = f"{folder}/made-{mib}"
    if os.path.exists(done):
        return
    os.makedirs(folder, exist_ok=True)
    for kind in logs.KINDS:
        path = f"{folder}/{kind}.log"
        logs.write(path, kind, (mib << 20) // 4)
        part = open(path, "rb").read()
        with open(path, "ab") as out:
            for _ in range(3):
                out.write(part)
    part = open(f"{folder}/mixed.log", "rb").read((mib << 20) // 4)
    with open(f"{folder}/part.log", "wb") as out:
        out.write(part)
    for tool in (["gzip", "-k", "-f", "-6"], ["zstd", "-q", "-k", "-f", "-3"]):
        if shutil.which(tool[0]):
            subprocess.run([*tool, f"{folder}/part.log"], check=True)
    for n in range(8):
        shutil.copy(f"{folder}/part.log.gz", f"{folder}/part{n}.log.gz")
    open(f"{folder}/empty.log", "w").close()
    with open(f"{folder}/policy.toml", "w") as out:
        out.write(POLICY)
    open(done, "w").close()


def timed(command, ok):
    command = ["sh", "-c", command] if isinstance(command, str) else command
    silence = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=silence)
    _, status, usage = os.wait4(process, 0)
    took = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code not in ok:
        sys.exit(f"{command} ended with {code}")
    return took, usage.ru_maxrss / 1024


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary")
    arguments.add_argument("--dir", default="target/side_by_side")
    arguments.add_argument("--mib", type=int, default=1024)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--only", default="")
    options = arguments.parse_args()
    folder = options.dir
    # In a process of its own: the most that this one ever takes is counted as taken by each that it starts.
    preparing = multiprocessing.Process(target=prepare, args=(folder, options.mib))
    preparing.start()
    preparing.join()
    if preparing.exitcode:
        sys.exit(preparing.exitcode)
    parts = [f"{folder}/part{n}.log.gz" for n in range(8)]
    find = lambda kind: ["rg", "-oNI", FIND, f"{folder}/{kind}.log"]
    rows = [
        *((f"{kind}, to find", [f"{folder}/{kind}.log"], find(kind)) for kind in logs.KINDS),
        ("sparse, to copy", [f"{folder}/sparse.log"], ["cat", f"{folder}/sparse.log"]),
        ("dense, to copy", [f"{folder}/dense.log"], ["cat", f"{folder}/dense.log"]),
        ("mixed, one .gz", [f"{folder}/part.log.gz"], ["igzip", "-dc", f"{folder}/part.log.gz"]),
        ("mixed, eight .gz", parts, " && ".join(f"igzip -dc {part}" for part in parts)),
        ("mixed, one .zst", [f"{folder}/part.log.zst"], ["zstd", "-qdc", f"{folder}/part.log.zst"]),
        ("an empty file", [f"{folder}/empty.log"], ["rg", "-c", "eyJ", f"{folder}/empty.log"]),
    ]
    print(f"{len(os.sched_getaffinity(0))} cores, {options.mib} MiB, medians of {options.runs} pairs\n")
    print("| logs | jwtriage | beside it | ratio | peak memory |\n|---|---|---|---|---|")
    for name, inputs, peer in rows:
        tool = peer.split()[0] if isinstance(peer, str) else peer[0]
        if options.only not in name or not shutil.which(tool):
            continue
        report = f"{folder}/report"
        own = [options.binary, "scan", *inputs, "--policy", f"{folder}/policy.toml", "--out", report]
        pairs = []
        for _ in range(options.runs + 1):
            shutil.rmtree(report, ignore_errors=True)
            pairs.append((timed(own, (0, 1)), timed(peer, (0, 1))))
        pairs = pairs[1:]  # The first one fills the cache.
        ratio = statistics.median(mine[0] / theirs[0] for mine, theirs in pairs)
        mine, theirs = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
        peak = max(mine[1] for mine, _ in pairs)
        print(f"| {name} | {mine:.3f} s | {tool} {theirs:.3f} s | {ratio:.2f} | {peak:.0f} MiB |", flush=True)


if __name__ == "__main__":
    main()
