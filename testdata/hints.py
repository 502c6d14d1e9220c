#!/usr/bin/env python3
"""Writes a scenario in which each hint has to be given, and one near it in which it must not: `hints/HINT/fires` and
`hints/HINT/quiet`; and three incidents as they happen, `scenarios/`. See README.md.

`hints.expected` in each says which hints there are, in order, and how much they explain. It comes from how the logs were
made, never from jwtriage.
"""

import hmac
import json
import random
import shutil
from datetime import datetime, timezone
from pathlib import Path

from forge import Key, b64, compact, gz, jwks, jws, put, zst

HERE = Path(__file__).resolve().parent
NOW = 1_781_226_000  # 2026-06-12T01:00:00Z
ISS, AUD = "https://auth.example.com/", "https://api.example.com"
STAGING_ISS, STAGING_AUD = "https://auth.staging.example.com/", "https://api.staging.example.com"
OLD, KEY, STAGING, STRANGER = (Key(f"hint-ec-{name}", "ec") for name in ("old", "new", "staging", "stranger"))

POLICY = """\
leeway = "30s"

[[issuer]]
iss = "https://auth.example.com/"
environment = "prod"
audiences = ["https://api.example.com"]
algorithms = ["ES256"]
token_type = "access"
required_claims = ["sub"]
"""
KEYS = """\
  [[issuer.keys]]
  jwks = "keys/new.json"
"""
ROTATION = """\
  [[issuer.keys]]
  jwks = "keys/old.json"
  until = "2026-06-12T02:00:00Z"
  [[issuer.keys]]
  jwks = "keys/new.json"
  from = "2026-06-12T01:30:00Z"
"""
PUBLISHED = """\
  [[issuer.keys]]
  jwks = "keys/new.json"
  from = "2026-06-12T00:50:00Z"
"""
STAGING_POLICY = """
# Known by name, so that its tokens are told from a stranger's; never valid here.
[[issuer]]
iss = "https://auth.staging.example.com/"
environment = "staging"
trusted = false
audiences = ["https://api.staging.example.com"]
  [[issuer.keys]]
  jwks = "keys/staging.json"
"""


def token(number, at, key=KEY, header=None, **changes):
    """A token that was issued two minutes before `at` and is good for a quarter of an hour."""
    issued = at - 120
    claims = {"iss": ISS, "sub": f"user-{number}", "aud": AUD, "iat": issued, "nbf": issued, "exp": issued + 900, "scope": "orders:read"}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jws(key, {"alg": key.alg, "typ": "at+jwt", "kid": key.kid} | (header or {}), claims)


def stamp(at):
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def line(at, text, host="api-1"):
    return f"{stamp(at)} {host} auth: {text}"


def rejected(at, found, host="api-1"):
    return line(at, f"rejected Authorization: Bearer {found} ", host)


class Sources:
    """The lines of some sources, each with ordinary traffic from the start."""

    def __init__(self, key=KEY, names=("orders.log", "billing.log", "stock.log"), start=NOW):
        self.lines = {name: [] for name in names}
        for n, name in enumerate(names):
            for i in range(6):
                at = start + n * 7 + i * 240
                self.add(name, at, line(at, f"accepted {token(100 + n * 10 + i, at, key)} "))
                self.add(name, at + 1, line(at + 1, f"served in {11 + n * i} ms"))

    def add(self, name, at, text):
        self.lines[name].append((at, text))

    def reject(self, name, at, found):
        self.add(name, at, rejected(at, found))

    def files(self):
        ordered = {name: sorted(lines, key=lambda row: row[0]) for name, lines in self.lines.items()}
        return {name: "".join(text + "\n" for _, text in lines).encode() for name, lines in ordered.items()}


def write(place, files, policy, expected):
    """`expected` are rows of hint, confidence, occurrences, tokens, sources; the most telling first."""
    directory = HERE / place
    shutil.rmtree(directory, ignore_errors=True)
    put(directory, {f"logs/{name}": data for name, data in files.items()})
    keys = {"old": OLD, "new": KEY, "staging": STAGING}
    put(directory, {f"keys/{name}.json": jwks(key) for name, key in keys.items() if f"keys/{name}.json" in policy})
    rows = ["hint,confidence,occurrences,distinct_tokens,sources", *(",".join(map(str, row)) for row in expected)]
    put(directory, {"policy.toml": policy.encode(), "hints.expected": ("\n".join(rows) + "\n").encode()})


def pair(hint, fires, quiet, expected, policy=POLICY + KEYS, key=KEY, start=NOW, besides=((), ())):
    """Both scenarios of a hint. `fires` and `quiet` add to the ordinary traffic; `expected` is the hint's row, `besides` are
    the rows of other hints in the one and in the other."""
    for way, add, rows in (("fires", fires, [(hint, *expected), *besides[0]]), ("quiet", quiet, besides[1])):
        sources = Sources(key, start=start)
        add(sources)
        write(f"hints/{hint}/{way}", sources.files(), policy, rows)


def rejecting(makers, name="orders.log", start=NOW + 1500, step=20):
    """Adds a rejected token of each maker, which gets a number and the time."""

    def add(sources):
        for n, make in enumerate(makers):
            at = start + n * step
            sources.reject(name, at, make(n, at))

    return add


def both(*adders):
    return lambda sources: [add(sources) for add in adders]


def changed(**changes):
    return lambda n, at: token(n, at, **changes)


def key_rotation_lag():
    """May's key is retired at 02:00. Four tokens under it come later, three of which were issued later too. Quiet: all but
    two come before."""
    after = NOW + 3600
    late = [changed(key=OLD)] * 3
    pair(
        "key_rotation_lag",
        both(rejecting(late, start=after + 300), rejecting(late[:1], start=after + 60)),
        both(rejecting(late * 2, start=after - 300, step=40), rejecting(late[:2], start=after + 300)),
        ("high", 4, 4, 1),
        POLICY + ROTATION,
        start=NOW + 1830,
    )


def stale_key_cache():
    """A proxy does not find a key that was published ten minutes before. Quiet: nobody has that key."""
    text = "Jwks doesn't have key to match kid or alg from Jwt"
    said = lambda key: lambda sources: [
        sources.add("orders.log", NOW + 60 * n, line(NOW + 60 * n, f"[jwt] {text}: {token(n, NOW + 60 * n, key)} ")) for n in range(4)
    ]
    pair("stale_key_cache", said(KEY), said(STRANGER), ("high", 4, 4, 1), POLICY + PUBLISHED)


def clock_skew():
    """The clock of one host is 45 seconds behind: fresh tokens come from the future. Quiet: 20 seconds, which the leeway
    forgives, and two of 45."""
    fresh = lambda ahead: lambda n, at: token(n, at + 120 + ahead)
    pair(
        "clock_skew",
        rejecting([fresh(45), fresh(41), fresh(45), fresh(44), fresh(38), fresh(45)]),
        rejecting([fresh(20), fresh(45), fresh(30), fresh(28), fresh(45), fresh(25)]),
        ("high", 6, 6, 1),
    )


def reuse_after_expiry():
    """One token comes twelve times within half an hour after it has expired. Quiet: within two minutes."""
    again = lambda step: lambda sources: [
        sources.reject("orders.log", NOW + 2000 + n * step, token(1, NOW + 2000 - 840)) for n in range(12)
    ]
    pair("reuse_after_expiry", again(150), again(10), ("high", 12, 1, 1))


def environment_crossover():
    """Three tokens of staging come to production, one of which has expired. Quiet: two, and some of a stranger."""
    staging = lambda **more: changed(key=STAGING, iss=STAGING_ISS, aud=STAGING_AUD, **more)
    stranger = changed(key=STRANGER, iss="https://idp.example.org/")
    pair(
        "environment_crossover",
        rejecting([staging(), staging(exp=NOW), staging()]),
        rejecting([staging(), stranger, staging(), stranger, stranger]),
        ("high", 3, 3, 1),
        POLICY + KEYS + STAGING_POLICY,
    )


def issuer_near_miss():
    """An issuer without its trailing slash. Quiet: two of these, and three of quite another."""
    near, other = changed(iss=ISS.rstrip("/")), changed(iss="https://login.example.org/")
    pair("issuer_near_miss", rejecting([near] * 4), rejecting([near, other, near, other, other]), ("high", 4, 4, 1))


def audience_near_miss():
    """An audience with http for https. Quiet: two of these, and three of quite another."""
    near, other = changed(aud="http://api.example.com"), changed(aud="https://mail.example.com")
    pair("audience_near_miss", rejecting([near] * 4), rejecting([near, other, near, other, other]), ("high", 4, 4, 1))


def log_truncation():
    """Syslog ends lines after 1,024 bytes. Quiet: tokens that end anywhere, at the ends of lines of any length."""

    def cut(lengths):
        def add(sources):
            for n, length in enumerate(lengths):
                at = NOW + 1500 + n * 20
                begin = line(at, f"request of {'/a' * (360 + 5 * n)} rejected: Bearer ")
                text = begin + token(n, at)
                assert len(begin) + 100 < length < len(text) - 50
                sources.add("orders.log", at, text[:length])

        return add

    pair("log_truncation", cut([1024] * 5), cut([1024, 987, 1060, 1044, 1005]), ("high", 5, 5, 1))


def transport_corruption():
    """A client percent-encodes the dots of what it sends. Quiet: the same number of tokens, damaged in different ways."""
    encoded = lambda n, at: token(n, at).replace(".", "%2E")

    def padded(n, at):
        head, body, signature = token(n, at, jti="x" * n).split(".")
        return f"{head}.{body}.{signature}=="

    pair("transport_corruption", rejecting([encoded] * 4), rejecting([encoded, padded, encoded, padded]), ("high", 4, 4, 1))


def id_token_as_access_token():
    """A login page sends ID tokens, some of them for itself alone. Quiet: two of these, and two refresh tokens."""
    identity = changed(header={"typ": "JWT"}, scope=None, nonce="n-1dc0ffee", at_hash="Wq7mPz3bYt1LkA0sJd9xVg")
    own = lambda n, at: token(n, at, header={"typ": "JWT"}, scope=None, nonce="n-1dc0ffee", at_hash="Wq7mPz3bYt1LkA0sJd9xVg", aud="login-page")
    refresh = changed(header={"typ": "JWT"}, scope=None, token_use="refresh")
    pair("id_token_as_access_token", rejecting([identity, own, identity, own]), rejecting([identity, refresh, identity, refresh]), ("high", 4, 4, 1))


def milliseconds_dates():
    """A service mints tokens that end in the year 58,000, if their exp is taken as it stands: so they are also live. Quiet: two
    of them."""
    legacy = POLICY + KEYS + '\n[[issuer]]\niss = "https://legacy.example.com"\naudiences = ["https://api.example.com"]\n'
    wrong = lambda n, at: token(n, at, key=STRANGER, iss="https://legacy.example.com", exp=(at + 900) * 1000)
    live = [[("live_tokens_in_logs", "medium", n, n, 1)] for n in (4, 2)]
    pair("milliseconds_dates", rejecting([wrong] * 4), rejecting([wrong] * 2), ("high", 4, 4, 1), legacy, besides=live)


def forgery_attempt():
    """Somebody tries alg none, an HMAC under the public key, and claims of his own. Quiet: a key of the policy is wrong, so
    that nothing under its kid verifies."""
    none = lambda n, at: f"{b64(compact({'alg': 'none'}))}.{token(n, at, sub='admin').split('.')[1]}."

    def confused(n, at):
        text = f"{b64(compact({'alg': 'HS256', 'typ': 'at+jwt', 'kid': KEY.kid}))}.{token(n, at, sub='admin').split('.')[1]}"
        return f"{text}.{b64(hmac.new(jwks(KEY), text.encode(), 'sha256').digest())}"

    def tampered(n, at):
        head, _, signature = token(n, at).split(".")
        return f"{head}.{token(n, at, sub='admin').split('.')[1]}.{signature}"

    replaced = changed(key=STRANGER, header={"kid": OLD.kid})
    policy = POLICY + KEYS + '  [[issuer.keys]]\n  jwks = "keys/old.json"\n'
    pair("forgery_attempt", rejecting([none, confused, tampered, none]), rejecting([replaced] * 6), ("high", 4, 4, 1), policy)


def policy_gap():
    """A verifier refuses the audience of tokens that the policy finds right. Quiet: the audience is wrong indeed."""
    text = "JsonWebTokenError: jwt audience invalid. expected: https://api.example.com/"
    said = lambda **changes: lambda sources: [
        sources.add("orders.log", NOW + 60 * n, line(NOW + 60 * n, f"{text} token={token(n, NOW + 60 * n, **changes)} ")) for n in range(4)
    ]
    pair("policy_gap", said(), said(aud="https://mail.example.com"), ("medium", 4, 4, 1))


def live_tokens_in_logs():
    """A token that is good for two days. Quiet: one whose leeway ends at the very time of the question."""
    asked = 1_781_341_200  # 2026-06-13T09:00:00Z, which the test asks at
    pair(
        "live_tokens_in_logs",
        rejecting([changed(exp=NOW + 2 * 86_400)]),
        rejecting([changed(exp=asked - 30)]),
        ("high", 1, 1, 1),
    )


# Incidents ----------------------------------------------------------------------------------------------------------


def as_json(at, text):
    return json.dumps({"@timestamp": stamp(at), "level": "warn", "logger": "auth", "message": text})


def host_with_slow_clock():
    """Five instances of an API; the clock of api-3 has run 75 seconds behind since its time daemon died. Services fetch a
    token for five minutes and use it at once, so every new token is refused there for a while. Besides: a job that does
    not renew its token, two tokens of staging, and a token that was logged with its end missing."""
    rng = random.Random("the clock of api-3")
    files, skewed = {}, []
    lines = {f"api-{n}.log.gz": [] for n in range(1, 6)}
    clients = [f"service-{n}" for n in range(12)]
    for round_ in range(12):
        issued = NOW + round_ * 290
        for n, client in enumerate(clients):
            begun = issued + n * 3
            found = token(0, begun + 120, exp=begun + 300, sub=client, client_id=client)
            for use in range(4):
                at = begun + [2, 9, 31, 200][use] + rng.randrange(5)
                host = rng.randrange(1, 6)
                seen = at - 75 if host == 3 else at
                early = begun - seen > 30
                skewed += [found] * early
                text = f"{'401' if early else '200'} GET /v1/stock authorization: Bearer {found} "
                lines[f"api-{host}.log.gz"].append((seen, line(seen, text, f"api-{host}")))
    export = token(0, NOW + 900, sub="nightly-export")
    lines["api-1.log.gz"] += [(at, rejected(at, export)) for at in range(NOW + 1800, NOW + 3300, 250)]
    for at in (NOW + 700, NOW + 2222):
        strange = token(0, at, STAGING, iss=STAGING_ISS, aud=STAGING_AUD)
        lines["api-5.log.gz"].append((at, rejected(at, strange, "api-5")))
    lines["api-2.log.gz"].append((NOW + 1234, line(NOW + 1234, f"saw {token(7, NOW + 1234)[:90]}... ", "api-2")))
    for name, rows in lines.items():
        files[name] = gz("".join(text + "\n" for _, text in sorted(rows)).encode())
    expected = [("clock_skew", "high", len(skewed), len(set(skewed)), 1), ("reuse_after_expiry", "medium", 6, 1, 1)]
    return files, POLICY + KEYS + STAGING_POLICY, expected


def staging_tokens_in_production():
    """From 01:20 to 01:50 a load test that was set up with staging's credentials calls production. Its tokens live for ten
    minutes and are used for fifteen, so that some have also expired. Besides: browsers with tokens a little too old, and
    one try at alg none."""
    rng = random.Random("whose load test is that")
    lines = {name: [] for name in ("gateway/access.log", "gateway/access.log.1", "orders/app.json.zst", "billing/app.json")}
    shape = lambda name, at, text: as_json(at, text) if "json" in name else line(at, text, "gw-1")
    for n in range(160):
        at = NOW + rng.randrange(5400)
        name = rng.choice(list(lines))
        lines[name].append((at, shape(name, at, f"GET /v1/orders Bearer {token(n % 60, at)} ")))
    crossing = 0
    for n in range(30):
        begun = NOW + 1200 + n * 60
        found = token(0, begun + 120, STAGING, sub=f"load-{n % 5}", iss=STAGING_ISS, aud=STAGING_AUD, exp=begun + 600)
        for use in range(4):
            at = begun + 5 + use * 295
            name = rng.choice(["gateway/access.log", "orders/app.json.zst"])
            lines[name].append((at, shape(name, at, f"POST /v1/orders Bearer {found} 401")))
            crossing += 1
    for n in range(9):
        at = NOW + 300 * n
        lines["billing/app.json"].append((at, as_json(at, f"refused {token(200 + n, at - 900 - 70 * n)} ")))
    none = f"{b64(compact({'alg': 'none'}))}.{token(1, NOW, sub='admin').split('.')[1]}."
    lines["gateway/access.log"].append((NOW + 4000, line(NOW + 4000, f"GET /admin Bearer {none} ", "gw-1")))
    files = {name: "".join(text + "\n" for _, text in sorted(rows)).encode() for name, rows in lines.items()}
    files["orders/app.json.zst"] = zst(files["orders/app.json.zst"])
    return files, POLICY + KEYS + STAGING_POLICY, [("environment_crossover", "high", crossing, 30, 2)]


def proxy_that_cuts_headers():
    """A new proxy keeps 4,096 bytes of a header. Whoever is in many groups has a token that is longer, and is refused by
    the services behind it, which log what they got; all others notice nothing. Besides: a client that does not renew, and
    an app whose issuer lacks its slash."""
    rng = random.Random("4096")
    lines = {name: [] for name in ("proxy/access.log.gz", "orders/app.json.gz", "billing/app.json.gz")}
    for n in range(120):
        at = NOW + rng.randrange(5400)
        name = rng.choice(list(lines))
        text = f"GET /v1/orders authorization=\"Bearer {token(n % 50, at)}\" "
        lines[name].append((at, line(at, text, "proxy-1") if name.startswith("proxy") else as_json(at, text)))
    cut = set()
    for n in range(36):
        at = NOW + 1800 + n * 97
        groups = [f"/departments/{rng.randrange(100)}/teams/{rng.randrange(100)}" for _ in range(110 + n % 30)]
        whole = token(300 + n % 18, at, groups=groups)
        header = f"Bearer {whole}"[:4096]
        assert len(whole) > 4200
        cut.add(header)
        for name in ("orders/app.json.gz", "billing/app.json.gz")[: 1 + n % 2]:
            lines[name].append((at, as_json(at, f"cannot parse authorization={header} (4096 bytes)")))
    occurrences = sum(1 for rows in lines.values() for _, text in rows if "(4096 bytes)" in text)
    old = token(9, NOW + 100)
    for n in range(8):
        at = NOW + 1000 + n * 120
        lines["orders/app.json.gz"].append((at, as_json(at, f"refused Bearer {old} ")))
    for n in range(4):
        at = NOW + 1111 * (n + 1)
        lines["billing/app.json.gz"].append((at, as_json(at, f"refused Bearer {token(n, at, iss=ISS.rstrip('/'))} ")))
    files = {name: gz("".join(text + "\n" for _, text in sorted(rows)).encode()) for name, rows in lines.items()}
    expected = [
        ("log_truncation", "high", occurrences, len(cut), 2),
        ("issuer_near_miss", "high", 4, 4, 1),
        ("reuse_after_expiry", "medium", 8, 1, 1),
    ]
    return files, POLICY + KEYS, expected


PAIRS = [
    key_rotation_lag, stale_key_cache, clock_skew, reuse_after_expiry, environment_crossover, issuer_near_miss, audience_near_miss,
    log_truncation, transport_corruption, id_token_as_access_token, milliseconds_dates, forgery_attempt, policy_gap, live_tokens_in_logs,
]
INCIDENTS = [host_with_slow_clock, staging_tokens_in_production, proxy_that_cuts_headers]

if __name__ == "__main__":
    for scenario in PAIRS:
        scenario()
    for scenario in INCIDENTS:
        files, policy, expected = scenario()
        write(f"scenarios/{scenario.__name__.replace('_', '-')}", files, policy, expected)
