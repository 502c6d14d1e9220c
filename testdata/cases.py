#!/usr/bin/env python3
"""Writes the input of every small case beside this file; see README.md. `args` files are written by hand."""

import csv
import io
import json
import shutil
from datetime import datetime, timezone
from pathlib import Path

from forge import Key, b64, compact, fingerprint, gz, jwks, jws, put, xz, zip_of

HERE = Path(__file__).resolve().parent
KEY = Key("case-ec-1", "ec")
NOW = 1_781_226_000  # 2026-06-12T01:00:00Z


def token(number=1, header=None, **changes):
    """A token that is issued at NOW and good for an hour."""
    claims = {"iss": "https://auth.example.com/", "sub": f"user-{number}", "aud": "orders", "iat": NOW, "exp": NOW + 3600}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jws(KEY, {"alg": "ES256", "kid": "case-ec-1"} | (header or {}), claims)


def at(seconds):
    return datetime.fromtimestamp(NOW + seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def write(case, files, labels=None):
    directory = HERE / case
    shutil.rmtree(directory / "input", ignore_errors=True)
    put(directory, {f"input/{name}": data if isinstance(data, bytes) else data.encode() for name, data in files.items()})
    if labels is not None:
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow("source line event_time time_source fingerprint verdict detail".split())
        rows.writerows(sorted((f"testdata/{case}/input/{name}", *rest) for name, *rest in labels))
        put(HERE, {f"expected/{case}.labels.csv": out.getvalue().encode()})


def damaged():
    """Archives that were cut, have something behind them, or hold a member that cannot be read; and one whole file."""
    lines = [f"{at(n)} INFO worker {n} idle, nothing to do but wait for request {n * n}\n" for n in range(300)]
    for n in (3, 140, 296):
        lines[n] = f"{at(n)} WARN rejected {token(n)} end\n"
    text = "".join(lines).encode()
    cut = gz(text)
    members = [(f"{name}.log", text, (2026, 6, 12, 1, 10, 0)) for name in ("first", "second", "third")]
    archive = bytearray(zip_of(members))
    # The deflated third member loses sixteen bytes in the middle of its data to a bad block.
    third = archive.index(b"third.log") + len("third.log")
    middle = third + len(gz(text)) // 3
    archive[middle : middle + 16] = b"\xff" * 16
    locked = bytearray(zip_of([("locked.log", text, (2026, 6, 12, 1, 10, 0)), ("open.log", text, (2026, 6, 12, 1, 10, 0))]))
    locked[6] |= 1  # the bit that says: encrypted
    files = {
        "cut.log.gz": cut[: len(cut) * 3 // 4],
        "cut.log.xz": xz(text)[:-40],
        "trailing.log.gz": gz(text) + b"and then the disk was full\n",
        "bad-block.zip": bytes(archive),
        "locked.zip": bytes(locked),
        "whole.log": text,
    }
    write("damaged", files)


def no_policy():
    """Nobody said what is right: form, alg none and time are judged, all else passes."""
    none = f"{b64(compact({'alg': 'None'}))}.{b64(compact({'sub': 'admin', 'exp': NOW + 60}))}."
    whole = token(9)
    lines = [
        (10, token(1), "valid", ""),
        (20, token(2, iss="http://stranger.example", aud=None, sub=None, exp=None), "valid", ""),
        (30, token(3, {"alg": "HS1", "kid": "made-up"}), "valid", ""),
        (40, token(4, exp=NOW + 40), "expired", "within_skew"),
        (50, token(5, exp=NOW - 900), "expired", "expired"),
        (60, token(6, nbf=NOW + 900), "not_yet_valid", "not_yet_valid"),
        (70, token(7, iat=NOW + 900), "issued_in_future", "issued_in_future"),
        (80, none, "alg_none", "unsigned"),
        (90, whole[:100], "truncated", "in_payload"),
        (100, whole + "AAAA", "malformed", "extra_bytes"),
    ]
    text = "".join(f"{at(second)} auth saw {found} here\n" for second, found, _, _ in lines)
    labels = [("app.log", n, at(row[0]), "line", fingerprint(row[1]), *row[2:]) for n, row in enumerate(lines, 1)]
    write("no-policy", {"app.log": text}, labels)


def empty():
    """Logs without a token, though not without things that look like one, and a file without a byte."""
    cursor = b64(compact({"after": 17, "dir": "asc"}))
    session = f"{b64(compact({'user': 'guest'}))}.aGVsbG8.c2lnbmF0dXJl"
    lines = [f"{at(1)} page {cursor}", f"{at(2)} session={session}", f"{at(3)} eyJ eyJ.eyJ.eyJ keyJhbGciOi", f"{at(4)} done"]
    write("empty", {"app.log": "\n".join(lines) + "\n", "nothing.log": ""}, [])


def timezones():
    """Times without a zone in Berlin: the hour that comes twice, the hour that never comes, and zones that lines state."""
    # exp is far away and iat long ago: what matters here is the time alone.
    found = [token(n, iat=1_700_000_000, exp=1_900_000_000) for n in range(12)]
    stamps = [
        ("2026-03-29 01:59:59", "2026-03-29T00:59:59Z"),
        ("2026-03-29 02:30:00", "2026-03-29T01:30:00Z"),  # never shown by any clock: read as before the gap
        ("2026-03-29 03:00:00", "2026-03-29T01:00:00Z"),
        ("2026-06-12 03:00:00,250", "2026-06-12T01:00:00.250Z"),
        ("2026-10-25 01:59:59", "2026-10-24T23:59:59Z"),
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),  # shown twice: read as the first
        ("2026-10-25 03:00:00", "2026-10-25T02:00:00Z"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30:00Z", "2026-10-25T02:30:00Z"),
        ("1781226000", "2026-06-12T01:00:00Z"),
        ("12/Jun/2026:03:00:00", "2026-06-12T01:00:00Z"),
    ]
    text = "".join(f"{stamp} node-1 saw {found[n]} here\n" for n, (stamp, _) in enumerate(stamps))
    labels = [("node.log", n + 1, utc, "line", fingerprint(found[n]), "valid", "") for n, (_, utc) in enumerate(stamps)]
    write("timezones", {"node.log": text}, labels)


def split_records():
    """Records that a container runtime cut, with tokens across every kind of cut."""
    tokens = [token(n) for n in range(7)]
    prefix = lambda second, tag: f"2026-06-12T01:00:{second:02}.000000000Z {tag} "
    a, b, c = tokens[0][:70], tokens[0][70:150], tokens[0][150:]
    cri = [
        prefix(1, "stdout F") + "start",
        prefix(2, "stdout P") + f"one {a}",
        prefix(3, "stderr F") + f"between {tokens[1]} end",
        prefix(4, "stdout P") + b,
        prefix(5, "stdout F") + f"{c} end",
        prefix(6, "stdout P") + f"cut behind the dot {tokens[2].rsplit('.', 1)[0]}.",
        prefix(7, "stdout F") + f"{tokens[2].rsplit('.', 1)[1]} end",
        prefix(8, "stdout P") + f"never finished {tokens[3][:200]}",
    ]
    row = lambda second, log, stream="stdout": json.dumps({"log": log, "stream": stream, "time": f"2026-06-12T01:00:{second:02}.5Z"})
    docker = [
        row(1, "start\n"),
        row(2, f'{{"auth":"{tokens[4][:90]}'),
        row(3, f"between {tokens[5]}\n", "stderr"),
        row(4, f'{tokens[4][90:]}"}}\n'),
        row(5, f"whole {tokens[6]}\n"),
    ]
    good = lambda name, line, time, text: (name, line, f"2026-06-12T01:00:{time}Z", "line", fingerprint(text), "valid", "")
    labels = [
        good("cri.log", 2, "02.000", tokens[0]),
        good("cri.log", 3, "03.000", tokens[1]),
        good("cri.log", 6, "06.000", tokens[2]),
        good("cri.log", 8, "08.000", tokens[3])[:4] + (fingerprint(tokens[3][:200]), "truncated", "in_signature"),
        good("docker.log", 2, "02.500", tokens[4]),
        good("docker.log", 3, "03.500", tokens[5]),
        good("docker.log", 5, "05.500", tokens[6]),
    ]
    head, body, _ = tokens[3].split(".")
    assert len(head) + len(body) + 2 < 200 < len(tokens[3]) - 3
    write("split-records", {"cri.log": "\n".join(cri) + "\n", "docker.log": "\n".join(docker) + "\n"}, labels)


def formulas():
    """Claims that would run in a spreadsheet, colour a terminal, turn a line around, or fill the screen."""
    values = [
        "=HYPERLINK(\"https://evil.example\",\"click\")",
        "+1+1",
        "-2+3",
        "@SUM(A1:A9)",
        "\tindented",
        "\rover",
        "red \x1b[31malert\x1b[0m",
        "bell \x07 and \x9b31m",
        "user\u202etxt.exe\u202c",
        "two\nlines, \"quoted\"",
        "x" * 300,
        "\U0001f511" * 300,
        "plain",
    ]
    lines = [f"{at(n)} saw {token(n, {'kid': value}, iss=value, aud=value, azp=value, tenant=value)} end\n" for n, value in enumerate(values)]
    write("formulas", {"app.log": "".join(lines)})


def since_until():
    """A window: its first instant is in, its last is out. Tokens that are only seen outside are not counted at all."""
    rows = [(-1, False), (0, True), (600, True), (3599, True), (3600, False), (9999, False)]
    tokens = [token(n, exp=NOW + 700) for n, _ in rows]
    text = "".join(f"{at(second)} saw {found} end\n" for (second, _), found in zip(rows, tokens))
    labels = [
        ("app.log", line, at(second), "line", fingerprint(found), *(("expired", "expired") if second > 700 else ("valid", "")))
        for line, ((second, inside), found) in enumerate(zip(rows, tokens), 1)
        if inside
    ]
    write("since-until", {"app.log": text}, labels)


def live():
    """At ten past one, some of what leaked can still be used: for ever, for a day, for an hour, for the leeway. The rest
    has expired, or nobody accepts it. The policy has the key of its one issuer, and thirty seconds of leeway."""
    hour, day = 3600, 86400
    other = Key("case-ec-2", "ec")
    claims = {"iss": "https://auth.example.com/", "sub": "user-1", "aud": "orders", "iat": NOW, "exp": NOW + hour}
    by_other = lambda kid, **changes: jws(other, {"alg": "ES256", "kid": kid}, claims | changes)
    twice = b'{"iss":"https://auth.example.com/","sub":"user-1","aud":"orders","exp":%d,"exp":%d}' % (NOW, NOW + day)
    none = f"{b64(compact({'alg': 'none'}))}.{b64(compact(claims))}."
    jwe = ".".join([b64(compact({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "vault"})), *map(b64, (b"k" * 256, b"i" * 12, b"c" * 99, b"t" * 16))])
    whole = token(20)
    seen = token(1)
    lines = [
        # Still usable.
        (10, seen, "valid", ""),
        (20, token(2, exp=None), "valid", ""),
        (30, token(3, exp=None, aud="billing"), "wrong_audience", "other"),
        (40, token(4, exp=NOW + 585), "valid", ""),
        (50, token(5, exp=NOW + day, aud=["orders", "-1"]), "valid", ""),
        (60, token(6, exp=(NOW + day) * 1000), "valid", ""),
        (70, token(7, nbf=NOW + hour, exp=NOW + 2 * hour), "not_yet_valid", "not_yet_valid"),
        (80, by_other("rolled-back"), "unknown_kid", "unknown"),
        (90, by_other("elsewhere", iss="https://auth.partner.example/"), "wrong_issuer", "other"),
        (100, by_other("case-ec-1", iss="https://auth.third.example/"), "invalid_signature", "mismatch"),
        # Expired by then; one of them is seen alive, one is not.
        (110, token(8, exp=NOW + 300), "valid", ""),
        (120, token(9, exp=NOW + 60), "expired", "within_skew"),
        (130, token(10, exp=NOW + 570), "valid", ""),
        # Nobody accepts these.
        (140, by_other("case-ec-1"), "invalid_signature", "mismatch"),
        (150, none, "alg_none", "unsigned"),
        (160, whole[:-20], "truncated", "in_signature"),
        (170, whole + "AAAA", "malformed", "extra_bytes"),
        (180, jws(KEY, {"alg": "ES256", "kid": "case-ec-1"}, twice), "malformed", "duplicate_claim"),
        (190, jwe, "encrypted", "jwe"),
    ]
    text = "".join(f"{at(second)} auth saw {found} here\n" for second, found, _, _ in lines)
    labels = [("b.log", n, at(row[0]), "line", fingerprint(row[1]), *row[2:]) for n, row in enumerate(lines, 1)]
    # The same token in another log, once alive and once not; and one whose signature a mask has replaced.
    masked = whole.rsplit(".", 1)[0]
    more = f"{at(500)} gateway passed {seen} on\n{at(4000)} gateway rejected {seen}\n{at(4100)} gateway saw {masked}.***\n"
    labels += [
        ("a.log", 1, at(500), "line", fingerprint(seen), "valid", ""),
        ("a.log", 2, at(4000), "line", fingerprint(seen), "expired", "expired"),
        ("a.log", 3, at(4100), "line", fingerprint(masked), "redacted", "masked"),
    ]
    write("live", {"a.log": more, "b.log": text}, labels)
    put(HERE / "live", {"keys.json": jwks(KEY)})


if __name__ == "__main__":
    for case in (damaged, no_policy, empty, timezones, split_records, formulas, since_until, live):
        case()
