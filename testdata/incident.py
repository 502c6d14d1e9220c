#!/usr/bin/env python3
"""Writes the incident: logs, key sets, and expected/incident.labels.csv, what each token has to be found as.

The labels come from how a token was made, never from jwtriage. See README.md for the story.
Run it from anywhere: `python3 testdata/incident.py`.
"""

import base64
import csv
import hashlib
import hmac
import io
import json
import random
import shutil
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

TESTDATA = Path(__file__).resolve().parent
HERE = TESTDATA / "incident"
sys.path.insert(0, str(TESTDATA))
from forge import Key, b64, bz, compact, fingerprint, gz, jwks, jws, lz4, put, tar, xz, zip_of, zst  # noqa: E402

rng = random.Random("the night of the twelfth")


def clock(text):
    """Milliseconds since the epoch at this time of 2026-06-12, in UTC."""
    hours, minutes, *seconds = text.split(":")
    at = datetime(2026, 6, 12, int(hours), int(minutes), tzinfo=timezone.utc)
    return int(at.timestamp() * 1000 + float(*seconds or [0]) * 1000)


def shown(at, fraction):
    """An instant as reports write it."""
    text = datetime.fromtimestamp(at // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{at % 1000:03}Z" if fraction else "Z")


# The keys, and when they are published and retired. policy.toml says the same.
PUBLISHED, SWITCH, RETIRED = clock("01:15"), clock("01:30"), clock("02:00")
MAY = Key("may-ec-1", "ec"), Key("may-rsa-1", "rsa")
JUNE = Key("jun-ec-1", "ec"), Key("jun-rsa-1", "rsa"), Key("jun-ed-1", "ed")
STAGING = Key("stg-ec-1", "ec")
PARTNER = Key("partner-rsa", "rsa"), Key("partner-ec-enc", "ec", use="enc")
STRANGER = Key("k-7d21f0", "ec")

ISS, STAGING_ISS = "https://auth.shop.example.com/", "https://auth.staging.shop.example.com/"
PARTNER_ISS = "https://login.partner.example.net/realms/northwind"
AUD, STAGING_AUD = "https://api.shop.example.com", "https://api.staging.shop.example.com"
LEEWAY, SKEW = 30_000, 60_000


# What a tampered token has to be found as.
TAMPERED = ("invalid_signature", "mismatch")


class Token:
    """The text that stands in a log, the part of it that is the token's own, and what it has to be found as."""

    def __init__(self, text, verdict=None, detail="", own=None, key=None, **dates):
        self.text, self.own = text, text if own is None else own
        self.fixed, self.key, self.dates = (verdict, detail), key, dates

    def label(self, at):
        """Verdict and detail at an instant: what it was made for, else where its key and its dates stand."""
        if self.fixed[0]:
            return self.fixed
        if self.key in MAY and at >= RETIRED:
            return "stale_kid", "retired"
        if self.key in JUNE and at < PUBLISHED:
            return "unknown_kid", "not_yet_published"
        late = at - (self.dates["exp"] + LEEWAY)
        if late >= 0:
            return "expired", "within_skew" if late < SKEW else "expired"
        for name, verdict in (("nbf", "not_yet_valid"), ("iat", "issued_in_future")):
            early = self.dates.get(name, 0) - LEEWAY - at
            if early > 0:
                return verdict, "within_skew" if early <= SKEW else verdict
        return "valid", ""


def signer(at):
    """The key that the identity service signs with. Browsers get EC keys, a few older clients RSA."""
    ec, rsa, *ed = MAY if at < SWITCH else JUNE
    return rng.choices([ec, rsa, *ed], [85, 10, 5][: 2 + len(ed)])[0]


CLIENTS = ["web-shop", "ios-app", "android-app", "orders-svc", "warehouse-svc"]


def claims_at(at, **changes):
    """The claims of an ordinary access token that is issued at an instant. A change to None leaves a claim out."""
    issued = at // 1000
    claims = {
        "iss": ISS,
        "sub": f"user-{rng.randrange(1000, 1400)}",
        "aud": rng.choice([AUD, AUD, [AUD], [AUD, "urn:shop:events"]]),
        "iat": issued,
        "nbf": issued,
        "exp": issued + 900,
        "azp": rng.choice(CLIENTS),
        "scope": rng.choice(["orders:read", "orders:read orders:write", "catalog:read"]),
        "tenant": rng.choice(["acme", "globex", "initech", "umbra"]),
        "jti": b64(rng.randbytes(6)),
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def header_of(key, **changes):
    header = {"alg": key.alg, "typ": rng.choice(["JWT", "at+jwt"]), "kid": key.kid} | changes
    return {name: value for name, value in header.items() if value is not None}


def mint(at, key=None, **changes):
    """A token that is right when it is issued. Its label follows its key and its dates."""
    key = key or signer(at)
    claims = claims_at(at, **changes)
    dates = {name: claims[name] * 1000 for name in ("exp", "nbf", "iat") if name in claims}
    return Token(jws(key, header_of(key), claims), key=key, **dates)


def wrong(verdict, detail, head=None, key=None, raw_head=None, raw_claims=None, **changes):
    """A maker of tokens with something wrong that no time mends. Values of `changes` may be functions of seconds."""

    def make(at):
        signing = key or signer(at)
        told = {name: value(at // 1000) if callable(value) else value for name, value in changes.items()}
        claims = raw_claims or claims_at(at - 40_000, **told)
        header = raw_head(signing) if raw_head else header_of(signing, **(head or {}))
        alg = "RS512" if isinstance(header, dict) and header.get("alg") == "RS512" else None
        return Token(jws(signing, header, claims, alg), verdict, detail)

    return make


def reshaped(verdict, detail, change):
    """A maker of tokens whose text was changed on its way. `change` gives the text, or text and own part."""

    def make(at):
        signing = MAY[0] if at < SWITCH else JUNE[0]
        text = jws(signing, header_of(signing), claims_at(at - 30_000))
        got = change(text, text.split("."))
        text, own = got if isinstance(got, tuple) else (got, got)
        return Token(text, verdict, detail, own=own)

    return make


def unsigned(alg, signature=b""):
    def make(at):
        head = b64(compact({"alg": alg, "typ": "JWT"}))
        body = b64(compact(claims_at(at - 5_000, sub="admin", exp=at // 1000 + 600)))
        return Token(f"{head}.{body}.{b64(signature)}", "alg_none", "signed" if signature else "unsigned")

    return make


def hmac_with_public_key(kid):
    """The old trick: an HMAC under the bytes of the public key, in the hope that the verifier uses it as a secret."""
    def make(at):
        # The partner's issuer takes any algorithm, so that the key is what stops it; the shop's own does not.
        partner = kid == PARTNER[0].kid
        changes = {"iss": PARTNER_ISS, "aud": "partner-api"} if partner else {}
        text = f"{b64(compact({'alg': 'HS256', 'typ': 'JWT', 'kid': kid}))}.{b64(compact(claims_at(at, **changes)))}"
        secret = jwks(PARTNER[0] if partner else JUNE[1])
        text += "." + b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())
        return Token(text, *(("alg_key_mismatch", "kty") if partner else ("alg_not_allowed", "alg")))

    return make


def encrypted(at):
    head = compact({"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "jun-enc-1", "cty": "JWT"})
    parts = [head, rng.randbytes(256), rng.randbytes(12), rng.randbytes(220), rng.randbytes(16)]
    return Token(".".join(map(b64, parts)), "encrypted", "jwe")


def tampered(at):
    """Claims changed under a signature that was made for others."""
    head, body, signature = mint(at).text.split(".")
    body = b64(compact(claims_at(at, sub="admin", scope="orders:read orders:write admin")))
    return Token(f"{head}.{body}.{signature}", *TAMPERED)


def flipped(at):
    """A signature with one bit turned over."""
    token = mint(at)
    head, body, signature = token.text.split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[7] ^= 1
    return Token(f"{head}.{body}.{b64(bytes(raw))}", *TAMPERED)


def cut_at(length):
    """A maker of tokens that a pipeline cut after so many bytes."""

    def make(at):
        text = mint(at).text
        head, body, _ = text.split(".")
        if length < len(head):
            detail = "in_header"
        elif length < len(head) + 1 + len(body):
            detail = "in_payload"
        elif length <= len(head) + 1 + len(body) + 1:
            detail = "no_signature"
        else:
            detail = "in_signature"
        assert length < len(text)
        return Token(text[:length], "truncated", detail)

    return make


def aged(age, **changes):
    """A maker of ordinary tokens that were issued `age` seconds before they are seen."""
    return lambda at: mint(at - age * 1000, **changes)


slashless = ISS.rstrip("/")
partner = {"iss": PARTNER_ISS, "aud": "partner-api", "key": PARTNER[0]}
KINDS = {
    "redacted": reshaped("redacted", "masked", lambda t, p: (f"{p[0]}.[REDACTED]", p[0])),
    "starred": reshaped("redacted", "masked", lambda t, p: (f"{p[0]}.{p[1]}.***", f"{p[0]}.{p[1]}")),
    "cut_header": cut_at(40),
    "cut_payload": cut_at(256),
    "cut_signature": reshaped("truncated", "in_signature", lambda t, p: t[:-33]),
    "no_signature": reshaped("truncated", "no_signature", lambda t, p: f"{p[0]}.{p[1]}"),
    "ellipsis": reshaped("truncated", "in_payload", lambda t, p: (t[:180] + "...", t[:180])),
    "bad_base64": reshaped("malformed", "bad_base64", lambda t, p: f"{p[0]}.{p[1]}.{p[2][:-1]}9"),
    "bad_json": wrong("malformed", "bad_json", raw_claims=b'{"iss":"https://auth.shop.example.com/","exp":1781x}'),
    "extra_segments": reshaped("malformed", "extra_segments", lambda t, p: f"{t}.{p[2]}"),
    "extra_bytes": reshaped("malformed", "extra_bytes", lambda t, p: t + p[2][:24]),
    "detached": reshaped("malformed", "detached", lambda t, p: f"{p[0]}..{p[2]}"),
    "url_encoded": reshaped("malformed", "url_encoded", lambda t, p: (t.replace(".", "%2E"), t)),
    "not_an_object": wrong("malformed", "not_an_object", raw_claims=b'["user-1001",1781226000]'),
    "duplicate": wrong("malformed", "duplicate_claim", raw_claims=b'{"sub":"user-1001","exp":1781226000,"sub":"admin"}'),
    "text_date": wrong("malformed", "bad_time_claim", exp="2026-06-12T03:00:00Z"),
    "jwe": encrypted,
    "none": unsigned("none"),
    "nOnE": unsigned("nOnE", b"nothing to see here, move along!"),
    "hs256": hmac_with_public_key("jun-rsa-1"),
    "crit": wrong("alg_not_allowed", "crit", head={"crit": ["b64"], "b64": True}),
    "unknown_kid": wrong("unknown_kid", "unknown", key=STRANGER),
    "no_kid": wrong("unknown_kid", "missing", head={"kid": None}),
    "hs256_partner": hmac_with_public_key("partner-rsa"),
    "rs512_partner": wrong("alg_key_mismatch", "alg", head={"alg": "RS512"}, **partner),
    "enc_key": wrong("alg_key_mismatch", "use", **partner | {"key": PARTNER[1]}),
    "partner": wrong("valid", "", **partner),
    "exp_ms": wrong("expired", "milliseconds", iat=lambda s: s - 1600, nbf=None, exp=lambda s: (s - 700) * 1000 + 417),
    "nbf_future": wrong("not_yet_valid", "not_yet_valid", nbf=lambda s: s + 600),
    "nbf_ms": wrong("not_yet_valid", "milliseconds", nbf=lambda s: (s + 300) * 1000),
    "iat_future": wrong("issued_in_future", "issued_in_future", nbf=None, iat=lambda s: s + 400, exp=lambda s: s + 1300),
    "iat_ms": wrong("issued_in_future", "milliseconds", nbf=None, iat=lambda s: (s + 120) * 1000, exp=lambda s: s + 1300),
    "iat_near": wrong("issued_in_future", "within_skew", nbf=None, iat=lambda s: s + 70, exp=lambda s: s + 900),
    "no_iss": wrong("wrong_issuer", "missing", iss=None),
    "iss_slash": wrong("wrong_issuer", "trailing_slash", iss=slashless, azp="ios-app"),
    "iss_scheme": wrong("wrong_issuer", "scheme", iss=ISS.replace("https", "http")),
    "iss_port": wrong("wrong_issuer", "port", iss=slashless + ":8443/"),
    "iss_case": wrong("wrong_issuer", "case", iss=ISS.replace("shop", "Shop")),
    "iss_tenant": wrong("wrong_issuer", "tenant", iss=ISS + "v2"),
    "iss_other": wrong("wrong_issuer", "other", iss="https://idp.elsewhere.example.org"),
    "staging": wrong("wrong_issuer", "environment", key=STAGING, iss=STAGING_ISS, aud=STAGING_AUD, azp="load-test"),
    "no_aud": wrong("wrong_audience", "missing", aud=None),
    "aud_slash": wrong("wrong_audience", "trailing_slash", aud=AUD + "/"),
    "aud_scheme": wrong("wrong_audience", "scheme", aud="api.shop.example.com"),
    "aud_port": wrong("wrong_audience", "port", aud=[AUD + ":443"]),
    "aud_case": wrong("wrong_audience", "case", aud="https://API.shop.example.com"),
    "aud_staging": wrong("wrong_audience", "environment", aud=STAGING_AUD),
    "aud_other": wrong("wrong_audience", "other", aud=["urn:shop:billing", "urn:shop:mail"]),
    "id_token": wrong(
        "wrong_token_type", "id_token", head={"typ": "JWT"}, scope=None, nonce="n-1dc0ffee", at_hash="Wq7mPz3bYt1LkA0sJd9xVg"
    ),
    "refresh": wrong("wrong_token_type", "refresh_token", head={"typ": "JWT"}, scope=None, token_use="refresh"),
    "logout": wrong("wrong_token_type", "logout_token", head={"typ": "logout+jwt"}, scope=None),
    "no_sub": wrong("missing_claim", "sub", sub=None),
    "no_tenant": wrong("missing_claim", "tenant", tenant=None),
    "too_long": wrong("lifetime_too_long", "too_long", exp=lambda s: s + 86_400),
    "no_exp": wrong("lifetime_too_long", "no_expiry", exp=None),
    "tampered": tampered,
    "flipped": flipped,
    "pretty": wrong("valid", "", raw_head=lambda k: json.dumps({"alg": k.alg, "kid": k.kid}, indent=2).encode()),
    "spaced": wrong("valid", "", raw_head=lambda k: b'{ "typ": "JWT", "alg": "%s", "kid": "%s" }' % (k.alg.encode(), k.kid.encode())),
    "near_end": aged(918),
    "just_late": aged(955),
    "late": aged(1500),
    "fresh": aged(0),
}


def standard(at):
    """In the alphabet of RFC 4648 section 4, which is wrong for a JWT. The bytes of Å and ÿ make sure that it shows."""
    while True:
        text = jws(MAY[0] if at < SWITCH else JUNE[0], header_of(JUNE[0] if at >= SWITCH else MAY[0]), claims_at(at, name="Åÿ?~>"))
        head, body, signature = text.split(".")
        # A signature of the right alphabet: only the payload went through the wrong encoder.
        if "_" in body or "-" in body:
            return Token(f"{head}.{body.replace('-', '+').replace('_', '/')}.{signature}", "malformed", "standard_base64")


def padded(at):
    while True:
        head, body, signature = mint(at).text.split(".")
        if len(body) % 4:
            return Token(f"{head}.{body}{'=' * (-len(body) % 4)}.{signature}", "malformed", "padded")


KINDS |= {"standard": standard, "padded": padded}


# Lines of text ------------------------------------------------------------------------------------------------------

NOISE = [
    "request served in {n} ms", "cache miss for product {n}", "GET /healthz 200", "TLS session resumed", "pool has {n} idle connections",
    "report of 2019-01-01T00:00:00Z is ready", "user lookup a.b.c took {n} us", "kid lookup: 2 keys in set", "retrying in {n} ms",
    "order {n} moved to state PACKED", "flushed {n} events", "keyJson survey eyJ done", "heartbeat from 10.20.0.{n}",
]
BEARERS = [
    "rejected, authorization: Bearer {} end", "callback ?access_token={}&state=x1", "cookie session={}; Path=/", "got '{}' from peer",
    "(token {}) was checked", "jwt={}", "<{}> is not accepted", "token=\"{}\", trying the next verifier",
]


def noise():
    """A message without a token; now and then one with something that looks like one."""
    if rng.random() < 0.06:
        return rng.choice(
            [
                "page cursor=" + b64(compact({"after": rng.getrandbits(50), "dir": "asc"})),
                "flash session=" + b64(compact({"user": "guest"})) + "." + b64(rng.randbytes(4)) + "." + b64(rng.randbytes(20)),
                "ref=eyJ.eyJ.eyJ",
                "blob=" + b64(rng.randbytes(60)),
            ]
        )
    return rng.choice(NOISE).format(n=rng.randrange(2, 250))


def stamp(at, pattern):
    return datetime.fromtimestamp(at // 1000, timezone.utc).strftime(pattern)


def address():
    return f"198.51.100.{rng.randrange(1, 250)}"


def clf(at, text):
    agent = rng.choice(["Mozilla/5.0", "okhttp/4.12", "ShopApp/7.1 (iPhone)"])
    path = f"/v1/orders?access_token={text}&page=2" if text.startswith("ey") else f"/v1/items?note={len(text)}"
    return f'{address()} - - [{stamp(at, "%d/%b/%Y:%H:%M:%S")} +0000] "GET {path} HTTP/1.1" {rng.choice([200, 401])} 512 "-" "{agent}"'


def log4j(at, text):
    return f"{stamp(at, '%Y-%m-%d %H:%M:%S')},{at % 1000:03} WARN  [http-nio-8080-exec-{rng.randrange(1, 9)}] c.e.shop.orders.AuthFilter - {text}"


def cri(at, text):
    return f"{stamp(at, '%Y-%m-%dT%H:%M:%S')}.{at % 1000:03}417231Z stdout F {text}"


def docker(at, text, end="\n"):
    return compact({"log": text + end, "stream": "stderr", "time": f"{shown(at, True)[:-1]}550119Z"}).decode()


def rows_of(source, lines, ends="\n"):
    """The bytes of a source. `lines` are (text, instant or None, tokens); what they hold is labelled."""
    carried, offset = None, 0
    for number, (text, at, tokens) in enumerate(lines, 1):
        carried = carried if at is None else at
        for token in tokens:
            # Of a token across a cut, the line ends early; where it begins is the same.
            begin = offset + len(text[: text.index(token.text[:40])].encode())
            source.label(number, begin, carried, "line" if at is not None else "carried", token)
        offset += len((text + ends).encode())
    return "".join(text + ends for text, _, _ in lines).encode()


LABELS = []


class Source:
    def __init__(self, name, fraction):
        self.name, self.fraction = "testdata/incident/" + name, fraction

    def label(self, line, offset, at, time_source, token):
        verdict, detail = token.label(at)
        LABELS.append((self.name, line, offset, shown(at, self.fraction), time_source, fingerprint(token.own), verdict, detail))


def traffic(name, line, span, count, kinds=(), share=0.2, fraction=True, bare=False, skew=0, good=mint):
    """A source's lines over a span of time: noise, good tokens, and one token of each of `kinds`, spread evenly.

    An entry of `kinds` is a name, or (name, time of day). `skew` is how far the host's clock is ahead, in
    milliseconds: lines and labels show its time, tokens are issued by the right one.
    """
    begin, end = map(clock, span)
    fixed = [(clock(kind[1]), kind[0]) for kind in kinds if isinstance(kind, tuple)]
    free = [kind for kind in kinds if isinstance(kind, str)]
    fixed += [(begin + (end - begin) * (i + 1) // (len(free) + 1), kind) for i, kind in enumerate(free)]
    moments = [(rng.randrange(begin, end), None) for _ in range(count)]
    session, lines = None, []
    for at, kind in sorted(fixed + moments, key=lambda moment: moment[0]):
        at = at if fraction else at // 1000 * 1000
        seen = at + skew
        if kind is None and rng.random() >= share:
            lines.append((line(seen, noise()), seen, []))
            continue
        if kind is not None:
            token = KINDS[kind](at)
        else:
            if session is None or rng.random() < 0.45 or session.label(at)[0] != "valid":
                session = good(at - rng.randrange(0, 120) * 1000)
            token = session
        text = token.text if bare else rng.choice(BEARERS).format(token.text)
        lines.append((line(seen, text), seen, [token]))
    return Source(name, fraction), lines


def plain(name, *args, **options):
    source, lines = traffic(name, *args, **options)
    return rows_of(source, lines)


FILES = {}


def gateway():
    old, new = "logs/gateway/access.log.1.gz", "logs/gateway/access.log"
    kinds = ["fresh", "near_end", "just_late", "tampered", "none", "no_kid", "iss_slash", "url_encoded"]
    source, lines = traffic(old, clf, ("00:30", "02:00"), 255, kinds, fraction=False, bare=True)
    data = rows_of(source, lines)
    half = data.index(b"\n", len(data) // 2) + 1
    # logrotate joined two files; every reader that stops after the first member loses the second half.
    FILES[old] = gz(data[:half], data[half:])
    kinds = ["iss_slash", "iss_slash", "aud_slash", "jwe", "hs256", "nOnE", "flipped", "late", "staging", "staging", "too_long", "padded"]
    FILES[new] = plain(new, clf, ("02:00", "04:00"), 300, kinds, fraction=False, bare=True)


def orders():
    """The orders service keeps its own service token, signed with May, and shows it long after May is retired."""
    name = "logs/orders/app.log.zst"
    cached = mint(clock("01:21"), key=MAY[0], sub="orders-svc", azp="orders-svc", exp=clock("02:20") // 1000)
    source, lines = traffic(name, log4j, ("01:10", "03:00"), 225, ["fresh", "no_tenant", "bad_json", "tampered"], share=0.1)
    trace = ["\tat com.example.shop.orders.AuthFilter.verify(AuthFilter.java:88)", "\tat java.base/java.lang.Thread.run(Thread.java:1583)"]
    for i in range(34):
        at = clock("01:24") + i * 151_000 + rng.randrange(60_000)
        place = next((n for n, row in enumerate(lines) if row[1] is not None and row[1] > at), len(lines))
        cause = f"Caused by: com.example.jose.BadJwtException: cannot verify {cached.text}"
        error = log4j(at, "order cannot be priced").replace("WARN ", "ERROR")
        lines[place:place] = [(error, at, []), ("com.example.shop.PriceException: HTTP 401", None, [])]
        lines[place + 2 : place + 2] = [(trace[0], None, []), (cause, None, [cached]), (trace[1], None, [])]
    data = rows_of(source, lines)
    third = data.index(b"\n", len(data) // 3) + 1
    FILES[name] = zst(data[:third], data[third:])

    name = "logs/orders/app-2026-06-12.json.gz"
    line = lambda at, text: compact({"level": "warn", "logger": "auth", "message": text, "@timestamp": shown(at, True)}).decode()
    # auth-3 missed the switch and went on signing with May until 02:40.
    lagging = lambda at: mint(at, key=MAY[0] if at < clock("02:40") else None)
    kinds = ["redacted", "starred", "duplicate", "text_date", "no_sub", "aud_scheme", "iss_port", "fresh", "refresh", "partner", "crit"]
    FILES[name] = gz(plain(name, line, ("01:30", "03:20"), 285, kinds, share=0.3, good=lagging))


def kube():
    """containerd cuts a record every 16 KiB; here a token lies across the cut."""
    name = "logs/kube/orders-7f9c.log"
    source, lines = traffic(name, cri, ("01:00", "02:30"), 180, ["extra_bytes", "extra_segments", "not_an_object", "iss_case", "aud_port", "nbf_ms"])
    for moment, size in (("01:12:07.310", 16384), ("01:41:55.002", 700), ("02:11:19.875", 700)):
        at = clock(moment)
        token = mint(at - 60_000)
        text = "dump of request: " + "headers and more, " * 1000
        text = text[: size - 190] + f" authorization=Bearer {token.text} end of dump"
        head, tail = text[:size], text[size:]
        first = cri(at, head).replace("stdout F", "stdout P", 1)
        other = cri(at, "interleaved line of another stream").replace("stdout", "stderr", 1)
        place = next(n for n, row in enumerate(lines) if row[1] > at)
        lines[place:place] = [(first, at, [token]), (other, at, []), (cri(at + 1, tail), at + 1, [])]
    FILES[name] = rows_of(source, lines)


def containers():
    """docker's json-file driver cuts at 16 KiB too; a fragment is one that does not end with a line end."""
    name = "logs/docker/auth-json.log"
    kinds = [("fresh", "01:20:30"), "id_token", "id_token", "logout", "iat_future", "iat_ms", "iat_near", "unknown_kid", "unknown_kid", "no_exp", "pretty", "enc_key"]
    source, lines = traffic(name, docker, ("01:00", "03:00"), 180, kinds)
    # Canary auth-9 signs with June before June is published.
    for moment in ("01:04:11.120", "01:09:42.733", "01:13:58.009"):
        token = mint(clock(moment) - 2_000, key=JUNE[0])
        place = next(n for n, row in enumerate(lines) if row[1] > clock(moment))
        lines[place:place] = [(docker(clock(moment), f"issued {token.text}"), clock(moment), [token])]
    at = clock("02:07:31.250")
    token = mint(at - 10_000)
    text = ("introspection of a long session, " * 600)[: 16384 - 100] + f" token={token.text}; done"
    place = next(n for n, row in enumerate(lines) if row[1] > at)
    lines[place:place] = [(docker(at, text[:16384], ""), at, [token]), (docker(at + 1, text[16384:]), at + 1, [])]
    FILES[name] = rows_of(source, lines)


def edge():
    """What support fetched from the edge hosts: yearless syslog, nginx errors, a note without any time."""
    bundle = "logs/edge-bundle.tar.gz"
    modified = clock("06:00") // 1000
    syslog = lambda at, text: f"{stamp(at, '%b %d %H:%M:%S')} edge-1 proxy[812]: {text}"
    nginx = lambda at, text: f"{stamp(at, '%Y/%m/%d %H:%M:%S')} [error] 31#31: *{rng.randrange(1, 9999)} {text}, client: {address()}"
    member = lambda name: f"{bundle}!{name}"
    # The proxy logs 256 bytes of a header and no more.
    data = plain(member("var/log/syslog"), syslog, ("02:00", "05:00"), 195, ["cut_payload"] * 14 + ["cut_header", "ellipsis"], fraction=False)
    # edge-2 runs 45 seconds behind: what was issued just now is not yet valid there.
    edge_2 = lambda at, text: syslog(at, text).replace("edge-1", "edge-2")
    kinds = ["fresh"] * 12 + ["nbf_future"]
    old = plain(member("var/log/syslog.1.bz2"), edge_2, ("00:40", "02:00"), 135, kinds, fraction=False, skew=-45_000)
    errors = plain(member("var/log/nginx/error.log"), nginx, ("01:00", "04:00"), 135, ["cut_signature", "iss_scheme", "aud_case", "no_iss", "detached"], fraction=False)
    note = Source(member("var/log/last-reject.txt"), False)
    token = KINDS["iss_tenant"](clock("02:20"))
    note.label(2, len("last rejected credential\n"), clock("02:20"), "file", token)
    FILES[bundle] = gz(
        tar(
            [
                ("var/log/syslog", data, modified),
                ("var/log/syslog.1.bz2", bz(old), clock("02:01") // 1000),
                ("var/log/nginx/error.log", errors, modified),
                ("var/log/last-reject.txt", f"last rejected credential\n{token.text}\n".encode(), clock("02:20") // 1000),
            ]
        )
    )


def support():
    bundle = "logs/support.zip"
    member = lambda name: f"{bundle}!{name}"
    postgres = lambda at, text: f"{stamp(at, '%Y-%m-%d %H:%M:%S')}.{at % 1000:03} UTC [{rng.randrange(100, 999)}] LOG:  statement: select '{text}'"
    data = plain(member("db/postgres.log"), postgres, ("01:30", "03:00"), 120, ["no_aud", "iss_other", "bad_base64", "aud_other"], share=0.1)
    ticket = Source(member("ticket-4711.txt"), False)
    token = KINDS["aud_staging"](clock("02:45:30"))
    text = f"Customer cannot pay since the night.\nThe app sends:\n  {token.text}\nPlease have a look.\n"
    ticket.label(3, text.index(token.text), clock("02:45:30"), "file", token)
    FILES[bundle] = zip_of([("db/postgres.log", data, (2026, 6, 12, 6, 0, 0)), ("ticket-4711.txt", text.encode(), (2026, 6, 12, 2, 45, 30))])


def legacy():
    """The batch job fetched one token at 01:31 and sends it until the morning."""
    name = "logs/legacy/batch.log.xz"
    line = lambda at, text: f'ts={shown(at, False)} level=info job=nightly-export msg="{text}"'
    source, lines = traffic(name, line, ("00:58", "06:00"), 135, share=0, fraction=False)
    reused = mint(clock("01:31:05"), key=JUNE[1], sub="nightly-export", azp="batch-nightly", exp=clock("02:01:05") // 1000)
    for i in range(50):
        at = clock("01:32") + i * 317_000
        place = next((n for n, row in enumerate(lines) if row[1] > at), len(lines))
        lines[place:place] = [(line(at, f"PUT /v1/export/{i} bearer {reused.text}"), at, [reused])]
    FILES[name] = xz(rows_of(source, lines))


def windows():
    name = "logs/windows/u_ex260612.log"
    source = Source(name, False)
    fields = ["date time cs-method cs-uri-stem cs-uri-query c-ip sc-status time-taken", "date time c-ip cs-method cs-uri-stem cs-uri-query sc-status"]
    lines, begin = [], clock("01:00")
    for part in range(2):
        # The service was restarted at 02:00, with another set of fields.
        start = begin + part * 3_600_000
        lines += [("#Software: Microsoft Internet Information Services 10.0", None, []), ("#Version: 1.0", None, [])]
        lines += [(f"#Date: {stamp(start, '%Y-%m-%d %H:%M:%S')}", None, []), (f"#Fields: {fields[part]}", None, [])]
        for i in range(60):
            at = start + i * 60_000 // 1000 * 1000
            kinds = {17: "standard", 31: "exp_ms", 44: "rs512_partner", 50: "hs256_partner"}
            token = KINDS[kinds[i]](at) if part and i in kinds else mint(at - 20_000) if i % 6 == 0 else None
            query = f"token={token.text}&v=2" if token else "-"
            order = [("GET", "/api/stock", query, address(), "200", "31"), (address(), "GET", "/api/stock", query, "200")][part]
            lines.append((" ".join([stamp(at, "%Y-%m-%d %H:%M:%S"), *order]), at, [token] if token else []))
    FILES[name] = rows_of(source, lines, "\r\n")

    name = "logs/windows/stock-service.log"
    serilog = lambda at, text: f"{stamp(at, '%Y-%m-%d %H:%M:%S')}.{at % 1000:03} +00:00 [WRN] {text}"
    source, lines = traffic(name, serilog, ("01:30", "03:30"), 75, ["no_signature", "no_signature", "spaced"], share=0.1)
    FILES[name] = b"\xff\xfe" + rows_of(source, lines, "\r\n").decode().encode("utf-16-le")


def mobile():
    name = "logs/mobile/app.lz4"
    line = lambda at, text: f"{stamp(at + 7_200_000, '%Y-%m-%dT%H:%M:%S')}.{at % 1000:03}+02:00 [main] W/ShopAuth: {text}"
    FILES[name] = lz4(plain(name, line, ("01:00", "04:00"), 195, ["iss_slash"] * 8 + ["iss_tenant", "late", "partner"]))


def billing():
    name = "logs/billing/events.ndjson"
    line = lambda at, text: compact({"ts": at, "svc": "billing", "msg": text, "paid_at": "2026-05-31T22:00:00Z"}).decode()
    FILES[name] = plain(name, line, ("01:30", "03:00"), 180, ["late", "just_late", "exp_ms", "flipped", "jwe", "redacted"])


def mesh():
    name = "logs/mesh/envoy.log.bz2"
    line = lambda at, text: f'[{shown(at, True)}] "GET /v1/stock HTTP/2" 401 - "-" "{text}" 0 "10.20.0.{rng.randrange(1, 99)}:8080"'
    FILES[name] = bz(plain(name, line, ("01:45", "02:45"), 135, ["unknown_kid", "staging", "unknown_kid", "tampered"], share=0.15))


def main():
    for source in (gateway, orders, kube, containers, edge, support, legacy, windows, mobile, billing, mesh):
        source()
    FILES["keys/2026-05.json"] = jwks(*MAY)
    FILES["keys/2026-06.json"] = jwks(*JUNE)
    FILES["keys/staging.json"] = jwks(STAGING)
    FILES["keys/partner.json"] = jwks(*PARTNER)
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow("source line offset event_time time_source fingerprint verdict detail".split())
    rows.writerows(sorted(LABELS))
    put(TESTDATA, {"expected/incident.labels.csv": out.getvalue().encode()})
    shutil.rmtree(HERE / "logs", ignore_errors=True)
    put(HERE, FILES)


if __name__ == "__main__":
    main()
