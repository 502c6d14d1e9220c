"""Logs of four kinds, the same for the same seed: what a scan costs depends on how many tokens and near misses are in them.

sparse  a token on every thousandth line
mixed   a token on every twentieth line, half of them beside a verifier's message
dense   a token on every line
decoy   on every second line four words that begin like a token and are none
"""
import base64
import json
import random

KINDS = ("sparse", "mixed", "dense", "decoy")
START = 1_781_226_000  # 2026-06-12T01:00:00Z

NOUNS = "basket voucher shipment invoice ledger tenant cursor worker lease region bucket quota topic schema replica".split()
VERBS = "opened closed moved listed merged paused resumed evicted flushed rebuilt renewed skipped".split()
ROUTES = ("/v2/baskets", "/v2/baskets/items", "/ready", "/account/callback", "/assets/main.css", "/v1/ledger/entries")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return b64(json.dumps(value, separators=(",", ":")).encode())


def make_token(rng, number):
    alg, length = rng.choice((("RS256", 256), ("PS384", 256), ("ES256", 64), ("HS512", 64)))
    issued = START + rng.randrange(-5400, 5400)
    header = {"alg": alg, "kid": rng.choice(("sig-2026-1", "sig-2026-2", "old")), "typ": "at+jwt"}
    claims = {
        "iss": f"https://id{rng.randrange(4)}.example.net",
        "aud": rng.choice(("orders", "ledger", ["orders", "ledger"])),
        "sub": f"account|{number:08d}",
        "client_id": f"app-{rng.randrange(12)}",
        "iat": issued,
        "exp": issued + rng.choice((300, 900, 3600)),
        "scope": "openid baskets:read baskets:write",
        "jti": b64(rng.randbytes(9)),
    }
    token = ".".join((compact(header), compact(claims), b64(rng.randbytes(length))))
    return token if rng.random() > 0.04 else token[: rng.randrange(30, len(token) - 1)]


class Log:
    def __init__(self, kind, seed, tokens):
        self.kind = kind
        self.rng = random.Random(f"{kind} {seed}")
        distinct = max(1, tokens // 10) if kind == "sparse" else tokens
        self.tokens = [make_token(self.rng, n) for n in range(distinct)] if kind != "decoy" else []
        self.line_number = 0

    def stamp(self):
        millis = self.line_number * 2
        seconds, millis = divmod(millis, 1000)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"2026-06-{12 + hours // 24:02d}T{hours % 24:02d}:{minutes:02d}:{seconds:02d}.{millis:03d}Z"

    def plain(self):
        rng = self.rng
        text = " ".join(f"{rng.choice(NOUNS)} {rng.choice(VERBS)}" for _ in range(5))
        match rng.randrange(3):
            case 0:
                return f"{self.stamp()} INFO shop.{rng.choice(NOUNS)} [w-{rng.randrange(32)}] {text} ref={rng.getrandbits(64):016x}"
            case 1:
                row = {"time": self.stamp(), "level": "info", "msg": text, "took": rng.randrange(900), "span": f"{rng.getrandbits(64):016x}"}
                return json.dumps(row)
            case _:
                return f'{self.stamp()} 10.1.{rng.randrange(256)}.{rng.randrange(256)} "GET {rng.choice(ROUTES)}?p={rng.randrange(50)} HTTP/2" {rng.choice((200, 304, 401))} {rng.randrange(60000)}'

    def with_token(self):
        rng = self.rng
        token = self.tokens[int(len(self.tokens) * rng.random() ** 2)]
        match rng.randrange(4):
            case 0:
                return f"{self.stamp()} WARN gate TokenExpiredError: jwt expired, presented {token} for {rng.choice(ROUTES)}"
            case 1:
                row = {"time": self.stamp(), "level": "error", "msg": "invalid signature", "auth": f"Bearer {token}"}
                return json.dumps(row)
            case 2:
                return f'{self.stamp()} 10.1.0.{rng.randrange(256)} "GET /account/callback?id_token={token}&state=7 HTTP/2" 302 0'
            case _:
                return f"{self.stamp()} DEBUG gate authorization=Bearer {token}"

    def decoy(self):
        rng = self.rng
        page = b64(json.dumps({"after": rng.getrandbits(64), "topic": rng.choice(NOUNS), "n": rng.getrandbits(96)}).encode())
        return f"{self.stamp()} INFO page={page} etag=eyJ{rng.getrandbits(56):x} path=a.b.eyJ.eyJ.{rng.choice(NOUNS)}"

    def line(self):
        share = {"sparse": 0.001, "mixed": 0.05, "dense": 1.0, "decoy": 0.5}[self.kind]
        special = self.decoy if self.kind == "decoy" else self.with_token
        line = special() if self.rng.random() < share else self.plain()
        self.line_number += 1
        return line + "\n"


def write(path, kind, size, tokens=20_000, seed=1):
    """Writes a log of a kind, of `size` bytes or a line more, with so many distinct tokens."""
    log = Log(kind, seed, tokens)
    written = 0
    with open(path, "w", buffering=1 << 20) as out:
        while written < size:
            line = log.line()
            out.write(line)
            written += len(line)
