#!/usr/bin/env python3
"""How often the vectorised search for literals is interrupted in vain, and an order of literals with which it is less often.

usage: benches/literal_order.py [--seconds N] FILE [FILE ...]

The search (Teddy, of the crate aho-corasick) puts the literals of src/message/lead.rs into eight buckets by their order, and looks
closer wherever three bytes fit a bucket, each for itself. Files are samples of logs, manuals, source code; each weighs the same, and
of each the first 8 MiB count. With --seconds a better order is searched for that long by simulated annealing, and printed for
ORDER; what stands in it for beginnings keeps their order. In each bucket put first what logs of tokens hold most. Needs numpy.
"""
import argparse
import math
import os
import random
import re
import time

import numpy as np

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src")


def read(path, pattern):
    with open(os.path.join(SOURCES, path)) as source:
        return re.search(pattern, source.read(), re.S)[1]


BEGINNINGS = re.findall(r'b"(...)"', read("scan/candidate.rs", r"const PREFIXES.*?= \[(.*?)\];"))
# None stands for the next of the beginnings.
ORDER = [literal or None for literal in re.findall(r'^    (?:START|"(.*)"),$', read("message/lead.rs", r"const ORDER.*?= \[(.*?)\];"), re.M)]


def buckets(order):
    """Each literal's first three bytes and bucket: what has the same low halves of bytes shares one."""
    beginnings, shared = iter(BEGINNINGS), {}
    for place, literal in enumerate(order):
        start = (literal or next(beginnings)).encode()[:3]
        yield start, shared.setdefault(bytes(byte & 15 for byte in start), 7 - place % 8)


def in_vain(order, trigrams, weights):
    """How many of a thousand places are looked at more closely; those with a literal's three bytes among them."""
    low, high = np.zeros((3, 16), np.uint8), np.zeros((3, 16), np.uint8)
    for start, bucket in buckets(order):
        for place, byte in enumerate(start):
            low[place, byte & 15] |= 1 << bucket
            high[place, byte >> 4] |= 1 << bucket
    fits = low[:, np.arange(256) & 15] & high[:, np.arange(256) >> 4]
    return 1000 * weights[fits[0][trigrams >> 16] & fits[1][trigrams >> 8 & 255] & fits[2][trigrams & 255] != 0].sum()


def trigrams_of(path):
    with open(path, "rb") as file:
        text = file.read(8 << 20)
    # What is inside of tokens is skipped.
    text = np.frombuffer(re.sub(rb"[A-Za-z0-9_.+/=-]{48,}", b"~", text), np.uint8).astype(np.uint32)
    trigrams, counts = np.unique(text[:-2] << 16 | text[1:-1] << 8 | text[2:], return_counts=True)
    return trigrams, counts / counts.sum()


def anneal(order, cost, seconds):
    rng, start = random.Random(1), time.monotonic()
    now = best = cost(order), order
    while (passed := (time.monotonic() - start) / seconds) < 1:
        one, other = rng.sample(range(len(order)), 2)
        changed = list(now[1])
        changed[one], changed[other] = changed[other], changed[one]
        costs = cost(changed)
        warmth = 0.4 * (1 - passed) ** 2 * best[0] / len(order) + 1e-9
        if costs < now[0] or rng.random() < math.exp((now[0] - costs) / warmth):
            now = costs, changed
        best = min(best, now, key=lambda found: found[0])
    return best[1]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("files", nargs="+", metavar="FILE")
    arguments.add_argument("--seconds", type=float, default=0)
    options = arguments.parse_args()
    samples = [trigrams_of(path) for path in options.files]
    trigrams, places = np.unique(np.concatenate([sample[0] for sample in samples]), return_inverse=True)
    weights = np.bincount(places, np.concatenate([sample[1] for sample in samples])) / len(samples)
    order = ORDER
    if options.seconds:
        order = anneal(ORDER, lambda order: in_vain(order, trigrams, weights), options.seconds)
        print("\n".join(f'    "{literal}",' if literal else "    START," for literal in order))
    for path, sample in zip(options.files, samples):
        told = " -> ".join(f"{in_vain(one, *sample):.2f}" for one in ([ORDER, order] if options.seconds else [ORDER]))
        print(f"{told} of 1000 places: {path}")


main()
