#!/usr/bin/env python3
"""A stream of distinct tokens through jwtriage, with and without room for them in memory.

usage: benches/spill.py BINARY [--millions N] [--memory SIZE] [--without SIZE]

Every line holds a token that no other line holds, of another subject. The stream goes through a pipe, so that it takes no room on
disk; with --without, a second run has that much memory, and the tables of both must be the same bytes. A run alone writes no
report: the rows of 50 million tokens take 15 GB.
"""
import argparse
import base64
import datetime
import filecmp
import os
import shutil
import tempfile
import time

CLAIMS = b'{"iss":"https://auth.example.com/","aud":"https://api.example.com","exp":1781230000,"iat":1781226400,"sub":"user-'
START = 1_781_226_000


def base64url(text):
    return base64.urlsafe_b64encode(text).rstrip(b"=")


def stream(out, millions):
    """Writes a million lines a minute of log time. Three digits of the subject are four characters of the token."""
    digits = [base64url(b"%03d" % n) for n in range(1000)]
    claims = base64url(CLAIMS + b"0" * (-len(CLAIMS) % 3))
    head = b" INFO token=" + base64url(b'{"alg":"HS256","typ":"JWT","kid":"k1"}') + b"." + claims
    tail = base64url(b'"}') + b"." + b"A" * 43 + b"\n"
    for million in range(millions):
        at = datetime.datetime.fromtimestamp(START + 60 * million, datetime.timezone.utc)
        for thousand in digits:
            line = at.strftime("%Y-%m-%dT%H:%M:%SZ").encode() + head + digits[million] + thousand
            out.write(b"".join([line + last + tail for last in digits]))


def run(binary, millions, memory, report):
    command = [binary, "scan", "-", "--memory", memory, "--quiet", "--now", "2026-06-12T00:00:00Z"]
    command += ["--out", report, "--format", "csv"] if report else []
    read, write = os.pipe()
    start = time.perf_counter()
    silence = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    ends = [(os.POSIX_SPAWN_DUP2, read, 0), (os.POSIX_SPAWN_CLOSE, write)]
    process = os.posix_spawnp(binary, command, os.environ, file_actions=ends + silence)
    os.close(read)
    with os.fdopen(write, "wb", 1 << 20) as out:
        stream(out, millions)
    _, status, usage = os.wait4(process, 0)
    took = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code:
        raise SystemExit(f"{' '.join(command)}: exit code {code}")
    print(f"{millions} M tokens, --memory {memory}: {took:.1f} s, {millions / took * 1000:.0f} k tokens/s, "
          f"peak {usage.ru_maxrss / 1024:.0f} MiB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--millions", type=int, default=2)
    parser.add_argument("--memory", default="1GiB")
    parser.add_argument("--without")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="spill-", dir=".")
    try:
        run(args.binary, args.millions, args.memory, args.without and f"{folder}/stored")
        if args.without:
            run(args.binary, args.millions, args.without, f"{folder}/kept")
            names = sorted(os.listdir(f"{folder}/kept"))
            same = [filecmp.cmp(f"{folder}/kept/{name}", f"{folder}/stored/{name}", shallow=False) for name in names]
            print("the same bytes in all tables" if all(same) else "NOT the same bytes")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
