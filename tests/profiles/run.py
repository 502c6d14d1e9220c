#!/usr/bin/env python3
"""Would the real verifiers have raised the errors that `jwtriage scan --as` predicts?

usage: tests/profiles/run.py BINARY [--tokens N] [--seed N] [--golang-jwt DIR] [--golang-jwt-v4 DIR]

Makes N tokens (default 6,000) from a seed: right ones, ones on either side of every boundary in time, with claims of every type,
with header parameters, signatures and segments of every wrong kind, and with several things wrong at once. Gives each to
PyJWT, jsonwebtoken and jose (of npm) and golang-jwt v5 and v4, at the time of its line in a log, and demands that each raises what
`predicted_error` says. A `…` there stands for any text. Every difference must be one of EXPLAINED.

The libraries are installed into a temporary directory, by pip and npm. golang-jwt is taken from DIR, from Debian's
golang-github-golang-jwt-jwt-v5-dev (v4: golang-github-golang-jwt-jwt-dev), or from Go's own client, whatever is there; a library
that cannot be had is named and left out. Exit code 0 when all agree, 1 when not, 77 when no library could be had.
"""
import base64, csv, datetime, hashlib, hmac as hmac_, json, os, random, re, shutil, subprocess, sys, tempfile
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
PROFILES = {"PyJWT": "pyjwt", "jsonwebtoken": "node-jsonwebtoken", "jose": "jose", "golang-jwt": "golang-jwt", "golang-jwt v4": "golang-jwt-v4"}

# The versions of golang-jwt, by library: its module's, the script that asks it, and where Debian puts it.
GOLANG_JWT = {
    "golang-jwt": ("v5", "ask.go", "/usr/share/gocode/src/github.com/golang-jwt/jwt/v5"),
    "golang-jwt v4": ("v4", "ask_v4.go", "/usr/share/gocode/src/github.com/golang-jwt/jwt"),
}

# Differences that stay, by library and kind of token, and why.
EXPLAINED = {}

ISSUER, STAGING, AUDIENCE, OTHER_AUDIENCE = "https://auth.example.com/", "https://auth.staging.example.com/", "https://api.example.com", "https://files.example.com"
SECRET = b"a secret of more than thirty-two bytes, for tests only"
NOON = 1_781_265_600  # 2026-06-12T12:00:00Z

# What the verifiers are told: once by a policy, and once by each library's own options.
SETUPS = {
    "jwks": {"audiences": [AUDIENCE, OTHER_AUDIENCE], "algorithms": ["RS256", "RS512", "ES256", "PS256"], "leeway": 30, "keys": ["rs-1", "rs-2", "ec-1", "ed-1"]},
    "one key": {"audiences": None, "algorithms": None, "leeway": None, "keys": ["rs-2"]},
    "rotation": {"audiences": [AUDIENCE], "algorithms": None, "leeway": 60, "keys": ["rs-1", "rs-2", "ec-1"]},
    "secret": {"audiences": [AUDIENCE], "algorithms": ["HS256"], "leeway": None, "keys": None},
}
# When the keys of a setup are published, in seconds from NOON; there is always one.
WINDOWS = {"rotation": {"rs-1": (None, 18_000), "rs-2": (15_000, 28_000), "ec-1": (27_000, None)}}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=600, **options)


def install(directory, golang_jwt):
    """What could be installed: the commands that ask each library, by name."""
    peers = {}
    python = os.path.join(directory, "venv", "bin", "python")
    if installed(run, [sys.executable, "-m", "venv", os.path.join(directory, "venv")], [python, "-m", "pip", "install", "--quiet", "PyJWT[crypto]==2.*"]):
        peers["PyJWT"] = [python, os.path.abspath(__file__), "ask"]
    if installed(run, ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", directory, "jsonwebtoken@9", "jose@6", "jwks-rsa@3"]):
        script = shutil.copy(os.path.join(HERE, "ask.mjs"), directory)
        peers["jsonwebtoken"], peers["jose"] = ["node", script, "jsonwebtoken"], ["node", script, "jose"]
    for name, (version, script, debian) in GOLANG_JWT.items():
        source = golang_jwt[name] or (debian if os.path.isdir(debian) else None)
        go = os.path.join(directory, name)
        if installed_go(go, f"github.com/golang-jwt/jwt/{version}", script, source):
            peers[name] = [os.path.join(go, "ask")]
    return python, peers


def installed_go(directory, module, script, source):
    """Builds a peer beside its module, from a source on this machine or from Go's own client."""
    os.mkdir(directory)
    for file in (script, "ask_work.go"):
        shutil.copy(os.path.join(HERE, file), directory)
    version = module.rsplit("/", 1)[1] + ".0.0"
    replace = f"\nrequire {module} {version}\nreplace {module} => {os.path.abspath(source)}\n" if source else ""
    open(os.path.join(directory, "go.mod"), "w").write(f"module ask\n\ngo 1.18\n{replace}")
    steps = [] if source else [["go", "get", module]]
    return installed(lambda *step: run(*step, cwd=directory, env=os.environ | {"GOFLAGS": "-mod=mod"}), *steps, ["go", "build", "-o", "ask", "."])


def installed(run, *steps):
    for step in steps:
        try:
            done = run(*step)
        except (OSError, subprocess.TimeoutExpired) as error:
            return sys.stderr.write(f"{step[0]}: {error}\n") and False
        if done.returncode:
            return sys.stderr.write(f"{' '.join(step)}:\n{done.stderr[-1500:]}\n") and False
    return True


class Maker:
    """Makes the tokens; runs in the Python that has `cryptography`."""

    def __init__(self, seed):
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

        self.rng = random.Random(seed)
        self.private = {"rs-1": rsa.generate_private_key(65537, 2048), "rs-2": rsa.generate_private_key(65537, 2048), "ec-1": ec.generate_private_key(ec.SECP256R1()), "ed-1": ed25519.Ed25519PrivateKey.generate(), "rogue": rsa.generate_private_key(65537, 2048)}

    def jwk(self, kid):
        key = self.private[kid].public_key()
        if kid.startswith("ed"):
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_bytes_raw()), "kid": kid}
        numbers = key.public_numbers()
        part = lambda value, length: b64(value.to_bytes(length, "big"))
        if kid.startswith("ec"):
            return {"kty": "EC", "crv": "P-256", "x": part(numbers.x, 32), "y": part(numbers.y, 32), "kid": kid, "use": "sig"}
        alg = {"alg": "RS256", "use": "sig"} if kid == "rs-1" else {}
        return {"kty": "RSA", "n": part(numbers.n, 256), "e": "AQAB", "kid": kid} | alg

    def sign(self, kid, alg, message):
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        digest = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}.get(str(alg)[2:], hashes.SHA256)()
        if str(alg).startswith("HS"):
            secret = SECRET if kid is None else self.private[kid].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            return hmac_.new(secret, message, {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(alg, hashlib.sha256)).digest()
        if kid is None:
            return hmac_.new(SECRET, message, hashlib.sha256).digest()
        key = self.private[kid]
        if kid.startswith("ed"):
            return key.sign(message)
        if kid.startswith("ec"):
            return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(key.sign(message, ec.ECDSA(digest))))
        if str(alg).startswith("PS"):
            return key.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        return key.sign(message, padding.PKCS1v15(), digest)

    def token(self, setup, kinds):
        rng, pick = self.rng, self.rng.choice
        now = NOON + pick([rng.randrange(36_000), rng.randrange(36_000), 15_000, 18_000, 27_000, 28_000]) + pick([0, 0, 0.5, -0.5])
        second = int(now)
        secret = SETUPS[setup]["keys"] is None
        kid = None if secret else pick(SETUPS[setup]["keys"][:3])
        alg = "HS256" if secret else {"ec-1": "ES256"}.get(kid, "RS256")
        header = {"alg": alg, "typ": "JWT"} | ({} if secret else {"kid": kid})
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "someone", "iat": second - 60, "exp": second + 3600, "n": rng.getrandbits(60)}
        signer, spoil = kid, {}
        for kind in kinds:
            if kind == "exp":
                claims["exp"] = second + pick([-400, -301, -300, -299, -61, -60, -59, -31, -30, -29, -1, 0, 1])
            elif kind in ("nbf", "iat"):
                claims[kind] = second + pick([400, 301, 300, 299, 61, 60, 59, 31, 30, 29, 1, 0, -1])
            elif kind == "date type":
                claims[pick(["exp", "nbf", "iat"])] = pick([str(second + 60), str(second - 900), f" {second} ", "soon", "1_700_000_000", "-5", "1.5", second + 0.5, second - 0.5, second - 30.5, True, False, None, -5, (second + 60) * 1000, (second - 60) * 1000, [second], {}, 0, 0.0, 1e300, -1e300, 2**70, ""])
            elif kind == "missing":
                claims.pop(pick(["exp", "iss", "aud", "sub", "iat"]), None)
            elif kind == "aud":
                claims["aud"] = pick(["", [], OTHER_AUDIENCE, "https://other.example.com", AUDIENCE + "/", ["x", AUDIENCE], ["x", "y"], [AUDIENCE, 1], [1], {"a": 1}, 5, 0, None, True, False, [""], [None]])
            elif kind == "iss":
                claims["iss"] = pick([ISSUER[:-1], STAGING, "", None, 7, [ISSUER], {}, True, "http://auth.example.com/"])
            elif kind == "string claim":
                claims[pick(["sub", "jti"])] = pick([5, None, "", ["a"], {}])
            elif kind == "alg none":
                header["alg"] = pick(["none", "None", "NONE"])
                spoil["signature"] = pick(["empty", "keep"])
            elif kind == "alg":
                header["alg"] = pick(["RS384", "RS512", "PS256", "ES256", "ES384", "HS256", "HS512", "EdDSA", "ES256K", "XY999", "rs256", "", 5, None, ["RS256"]])
            elif kind == "no alg":
                header["enc"] = pick([None, 5])
                del header["alg"]
            elif kind == "hs with key":
                header["alg"] = "HS256"
            elif kind == "kid":
                header["kid"] = pick(["gone", "rs-1", "rs-2", "ec-1", "ed-1", "", None, 7, ["rs-1"], "ü"])
            elif kind == "no kid":
                header.pop("kid", None)
            elif kind == "typ":
                header["typ"] = pick(["at+jwt", "jwt", "JOSE", None, 5])
            elif kind == "no typ":
                header.pop("typ", None)
            elif kind == "crit":
                header["crit"] = pick([["exp"], [], "exp", ["b64"], [5], [""], None, ["b64", "x"], {}])
                if rng.random() < 0.5:
                    header["b64"] = pick([True, False, 1])
            elif kind == "b64":
                header["b64"] = pick([False, True, 0, "false"])
            elif kind == "ed":
                signer = None if secret else "ed-1"
                header |= {} if secret else {"kid": "ed-1", "alg": "EdDSA"}
            elif kind == "other key":
                signer = None if secret else pick(["rogue", "rs-1", "rs-2"])
            else:
                spoil[kind] = True
        header_text, claims_text = json.dumps(header), json.dumps(claims, ensure_ascii=rng.random() < 0.5)
        if "duplicate" in spoil:
            part, name, value = pick([("h", "alg", alg), ("h", "kid", "gone"), ("c", "exp", second - 1000), ("c", "exp", second + 1000), ("c", "iss", ISSUER), ("c", "iss", "x"), ("c", "aud", "x"), ("c", "n", 1)])
            extra = f", {json.dumps(name)}: {json.dumps(value)}}}"
            header_text, claims_text = (header_text[:-1] + extra, claims_text) if part == "h" else (header_text, claims_text[:-1] + extra)
        if "spaces" in spoil:
            header_text, claims_text = header_text.replace(": ", " :\n\t"), " " + claims_text + "\n"
        if "payload" in spoil:
            claims_text = pick(['["a"]', '"text"', "null", "5", "true", "no json", claims_text + "x", claims_text[:-1], "", "{}", '{"exp": 1' + "0" * 400 + "}"])
        claims_bytes = claims_text.encode()
        if "utf-8" in spoil:
            claims_bytes = claims_bytes.replace(b"someone", b"some\xff\xfeone")
        head, body = b64(header_text.encode()), b64(claims_bytes)
        signature = bytearray(self.sign(signer, header.get("alg"), f"{head}.{body}".encode()))
        if "tampered" in spoil:
            what = pick(["bit", "claims", "cut", "append", "zeros"])
            if what == "bit":
                signature[rng.randrange(len(signature))] ^= 1 << rng.randrange(8)
            elif what == "claims":
                body = b64(json.dumps(claims | {"admin": True}).encode())
            elif what == "cut":
                del signature[rng.randrange(1, len(signature)) :]
            elif what == "append":
                signature += b"\0"
            else:
                signature = bytearray(len(signature))
        tail = b64(bytes(signature))
        if spoil.get("signature") == "empty" or "no signature" in spoil:
            tail = ""
        pad = lambda text: text + "=" * (-len(text) % 4)
        if "padded" in spoil:
            head, body, tail = pick([(pad(head), body, tail), (head, pad(body), tail), (head, body, pad(tail)), (pad(head), pad(body), pad(tail)), (head, body, tail + "=")])
        if "stray bits" in spoil:
            stray = lambda text: text[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(text[-1]) | 1] if len(text) % 4 and text[-1] != "=" else text
            head, body, tail = pick([(head, stray(body), tail), (head, body, stray(tail))])
        if "odd length" in spoil:
            head, body, tail = pick([(head, body + "A" * ((1 - len(body)) % 4), tail), (head, body, tail + "A" * ((1 - len(tail)) % 4))])
        if "standard" in spoil:
            tail = tail.replace("-", "+").replace("_", "/")
        text = f"{head}.{body}.{tail}"
        if "segments" in spoil:
            text = pick([f"{head}.{body}", text + ".x", text + ".", f"{head}..{tail}", f"{head}.{body}.{tail}.{tail}.{tail}", head])
        if "truncated" in spoil:
            text = text[: rng.randrange(len(head) // 2, len(text))]
        published = lambda window: (window[0] is None or NOON + window[0] <= now) and (window[1] is None or now < NOON + window[1])
        kids = [kid for kid in SETUPS[setup]["keys"] or [] if published(WINDOWS.get(setup, {}).get(kid, (None, None)))]
        return {"text": text, "now": now, "setup": setup, "kids": kids, "kind": "+".join(kinds) or "right"}

    def work(self, count):
        single = ["exp", "exp", "exp", "nbf", "nbf", "iat", "date type", "date type", "date type", "missing", "aud", "aud", "iss", "iss", "string claim", "alg none", "alg", "no alg", "hs with key", "kid", "no kid", "typ", "no typ", "crit", "b64", "ed", "other key", "tampered", "duplicate", "spaces", "payload", "utf-8", "no signature", "padded", "stray bits", "odd length", "standard", "segments", "truncated"]
        tokens = []
        for n in range(count):
            kinds = [] if n % 20 == 0 else [single[n % len(single)]] if n % 3 else self.rng.sample(sorted(set(single)), self.rng.choice([2, 2, 3]))
            tokens.append(self.token(["jwks", "jwks", "one key", "rotation", "secret"][n // 7 % 5], kinds))
        keys = {kid: self.jwk(kid) for kid in self.private if kid != "rogue"}
        setups = {name: setup | {"jwks": setup["keys"] and {"keys": [keys[kid] for kid in setup["keys"]]}} for name, setup in SETUPS.items()}
        return {"setups": setups, "staging": {"keys": [self.jwk("rogue")]}, "issuer": ISSUER, "secret": SECRET.decode(), "tokens": tokens}


def ask_pyjwt(work):
    """Runs in the Python that has PyJWT."""
    import warnings

    import jwt, jwt.api_jwt

    warnings.simplefilter("ignore")

    class Clock(datetime.datetime):
        at = 0

        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.fromtimestamp(cls.at, tz)

    jwt.api_jwt.datetime = Clock

    class Client(jwt.PyJWKClient):
        def __init__(self, jwks):
            super().__init__("https://auth.example.com/jwks.json", cache_jwk_set=False)
            self.jwks = jwks

        def fetch_data(self):
            return self.jwks

    clients = {name: Client(setup["jwks"]) for name, setup in work["setups"].items() if setup["jwks"]}
    said = []
    for token in work["tokens"]:
        setup = work["setups"][token["setup"]]
        Clock.at = token["now"]
        try:
            client = clients.get(token["setup"])
            if client:
                client.jwks = {"keys": [key for key in setup["jwks"]["keys"] if key["kid"] in token["kids"]]}
            key = client.get_signing_key_from_jwt(token["text"]) if client else work["secret"]
            # Where the policy names no algorithms, those that the keys are for.
            algorithms = setup["algorithms"] or ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] + (["ES256"] if "ec-1" in setup["keys"] else [])
            jwt.decode(token["text"], key, algorithms=algorithms, audience=setup["audiences"], issuer=work["issuer"], leeway=setup["leeway"] or 0)
            said.append("")
        except Exception as error:
            said.append(f"{type(error).__name__}: {error}")
    return said


def ask_jwtriage(binary, directory, work, profile):
    """The prediction for each token; None where the candidate is not the whole text."""
    said = {}
    for name, setup in work["setups"].items():
        place = os.path.join(directory, f"{profile} {name}")
        os.mkdir(place)
        lines = [(n, token) for n, token in enumerate(work["tokens"]) if token["setup"] == name]
        with open(os.path.join(place, "app.log"), "w") as log:
            for _, token in lines:
                when = datetime.datetime.fromtimestamp(token["now"], datetime.timezone.utc)
                log.write(f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z token: {token['text']} end\n")
        quoted = lambda values: json.dumps(values)
        policy = f'leeway = "{setup["leeway"]}s"\n' if setup["leeway"] else ""
        policy += f"[[issuer]]\niss = {quoted(work['issuer'])}\n"
        policy += f"audiences = {quoted(setup['audiences'])}\n" if setup["audiences"] else ""
        policy += f"algorithms = {quoted(setup['algorithms'])}\n" if setup["algorithms"] else ""
        policy += "" if setup["jwks"] else '[[issuer.keys]]\nsecret_file = "secret"\n'
        time = lambda seconds: datetime.datetime.fromtimestamp(NOON + seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        windows = WINDOWS.get(name)
        for key in setup["jwks"]["keys"] if windows else []:
            start, end = windows[key["kid"]]
            json.dump({"keys": [key]}, open(os.path.join(place, f"{key['kid']}.json"), "w"))
            policy += f'[[issuer.keys]]\njwks = "{key["kid"]}.json"\n' + (f'from = "{time(start)}"\n' if start else "") + (f'until = "{time(end)}"\n' if end else "")
        policy += '[[issuer.keys]]\njwks = "keys.json"\n' if setup["jwks"] and not windows else ""
        policy += f'[[issuer]]\niss = {quoted(STAGING)}\nenvironment = "staging"\ntrusted = false\n[[issuer.keys]]\njwks = "staging.json"\n'
        for file, text in [("policy.toml", policy), ("keys.json", json.dumps(setup["jwks"])), ("staging.json", json.dumps(work["staging"])), ("secret", work["secret"])]:
            open(os.path.join(place, file), "w").write(text)
        done = run(binary, "scan", "app.log", "--policy", "policy.toml", "--out", "report", "--occurrences", "--as", profile, "--quiet", cwd=place)
        if done.returncode:
            sys.exit(f"jwtriage: exit {done.returncode}: {done.stderr}")
        read = lambda file: csv.DictReader(open(os.path.join(place, "report", file), newline=""))
        rows = {(row["fingerprint"], row["verdict"], row["detail"]): row for row in read("tokens.csv")}
        found = {}
        for row in read("occurrences.csv"):
            found.setdefault(int(row["line"]), []).append(rows[row["fingerprint"], row["verdict"], row["detail"]])
        for line, (n, token) in enumerate(lines, 1):
            whole = [row for row in found.get(line, []) if int(row["length"]) == len(token["text"])]
            said[n] = whole[0]["predicted_error"] if whole else None
    return [said[n] for n in range(len(work["tokens"]))]


def agrees(predicted, real):
    """A `…` stands for any text; a cell shows what cannot be seen as an escape."""
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{{{ord(c):x}}}" for c in real)
    return bool(re.fullmatch(".*".join(map(re.escape, predicted.split("…"))), shown, re.DOTALL))


def main():
    option = lambda name, default: sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default
    binary, count, seed = os.path.abspath(sys.argv[1]), option("--tokens", "6000"), option("--seed", "1")
    with tempfile.TemporaryDirectory() as directory:
        python, peers = install(directory, {"golang-jwt": option("--golang-jwt", None), "golang-jwt v4": option("--golang-jwt-v4", None)})
        for name in sorted(PROFILES.keys() - peers.keys()):
            print(f"not compared: {name} could not be installed")
        if "PyJWT" not in peers:
            sys.exit(77)  # The tokens are signed with what comes with it.
        answer = lambda command: json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        file = os.path.join(directory, "work.json")
        work = answer([python, os.path.abspath(__file__), "make", seed, count])
        json.dump(work, open(file, "w"))
        wrong, texts = 0, set()
        for name, command in peers.items():
            theirs, ours = answer([*command, file]), ask_jwtriage(binary, directory, work, PROFILES[name])
            agree, explained, other, different = 0, Counter(), 0, []
            for token, real, predicted in zip(work["tokens"], theirs, ours):
                if predicted is None:
                    other += 1
                elif agrees(predicted, real):
                    agree += 1
                    texts.add((name, predicted))
                elif (name, token["kind"]) in EXPLAINED:
                    explained[(name, token["kind"])] += 1
                else:
                    different.append((token, real, predicted))
            print(f"{name}: agrees on {agree} of {agree + len(different) + sum(explained.values())} tokens ({sum(not real for real in theirs)} accepted, {len({text for peer, text in texts if peer == name})} different texts); {other} are no candidate as a whole")
            for place, n in explained.items():
                print(f"  {n} differ as explained: {EXPLAINED[place]}")
            for token, real, predicted in different[: int(option("--show", "25"))]:
                print(f"  DIFFERENT ({token['setup']}, {token['kind']}, at {token['now']}):\n    real      {real}\n    predicted {predicted}\n    {token['text'][:240]}")
            wrong += len(different)
    sys.exit(bool(wrong))


if sys.argv[1] == "make":
    json.dump(Maker(int(sys.argv[2])).work(int(sys.argv[3])), sys.stdout)
elif sys.argv[1] == "ask":
    json.dump(ask_pyjwt(json.load(open(sys.argv[2]))), sys.stdout)
else:
    main()
