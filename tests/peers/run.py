#!/usr/bin/env python3
"""Do PyJWT and jose, two libraries that the world verifies with, say the same about a signature as jwtriage?

usage: tests/peers/run.py BINARY [--tokens N] [--seed N]

Installs PyJWT (from PyPI) and jose (from npm) into a temporary directory, makes N tokens (default 2,400) of fourteen
algorithms, right ones and ones that were damaged in many ways, asks each library whether it verifies the signature with the
token's key, and compares with the `signature` that jwtriage reports. Every difference has to be one of EXPLAINED; any other
ends with exit code 1. Exit code 0 when all agree. Needs Python 3.11 with venv and pip, node 20 with npm, and a network; where the
libraries cannot be installed, it says so and ends with exit code 77.
"""
import base64, csv, json, os, random, subprocess, sys, tempfile
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = {"PyJWT": "PyJWT[crypto]==2.*", "jose": "jose@6"}

# Kinds of damage that a library may take although the standard does not, and why. Each is a difference in how strictly a
# library reads base64url or picks an algorithm, never in the arithmetic.
EXPLAINED = {
    ("PyJWT", "padded"): "PyJWT takes `=` behind a segment, which RFC 7515 §2 forbids; jwtriage: malformed/padded, not verified",
    ("jose", "stray_bits"): "jose ignores bits behind the last whole byte (RFC 4648 §3.5); jwtriage: malformed/bad_base64",
    ("jose", "padded"): "jose takes `=` behind a segment; jwtriage: malformed/padded",
}


def install(directory):
    """The Python that has PyJWT, and the directory that has jose; None when they cannot be installed."""
    python = os.path.join(directory, "venv", "bin", "python")
    steps = [
        [sys.executable, "-m", "venv", os.path.join(directory, "venv")],
        [python, "-m", "pip", "install", "--quiet", PEERS["PyJWT"]],
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", directory, PEERS["jose"]],
    ]
    for step in steps:
        try:
            done = subprocess.run(step, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as error:
            return sys.stderr.write(f"{step[0]}: {error}\n") and None
        if done.returncode:
            return sys.stderr.write(f"{' '.join(step)}:\n{done.stderr[-2000:]}\n") and None
    return python


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make(seed, count):
    """Runs in the Python that has PyJWT: keys by name, and tokens with what was done to them."""
    from cryptography.hazmat.primitives import hashes, hmac
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    rng = random.Random(seed)
    hash_of = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
    curves = {"ES256": ("P-256", ec.SECP256R1, 32), "ES384": ("P-384", ec.SECP384R1, 48), "ES512": ("P-521", ec.SECP521R1, 66), "ES256K": ("secp256k1", ec.SECP256K1, 32)}
    private, keys = {}, {}
    number = lambda value, length: b64(value.to_bytes(length, "big"))
    for alg in ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", *curves, "EdDSA"]:
        for copy in "ab":
            name = f"{alg}-{copy}"
            if alg[:2] == "HS":
                private[name] = rng.randbytes(64)
                keys[name] = {"kty": "oct", "k": b64(private[name])}
            elif alg[:2] in ("RS", "PS"):
                private[name] = rsa.generate_private_key(65537, 2048)
                public = private[name].public_key().public_numbers()
                keys[name] = {"kty": "RSA", "n": number(public.n, 256), "e": "AQAB"}
            elif alg == "EdDSA":
                private[name] = ed25519.Ed25519PrivateKey.generate()
                keys[name] = {"kty": "OKP", "crv": "Ed25519", "x": b64(private[name].public_key().public_bytes_raw())}
            else:
                crv, curve, length = curves[alg]
                private[name] = ec.generate_private_key(curve())
                public = private[name].public_key().public_numbers()
                keys[name] = {"kty": "EC", "crv": crv, "x": number(public.x, length), "y": number(public.y, length)}

    def sign(name, alg, message, salt=None, der=False):
        key = private[name]
        if alg[:2] == "HS":
            mac = hmac.HMAC(key if isinstance(key, bytes) else key_text(name), hash_of[alg[2:]]())
            mac.update(message)
            return mac.finalize()
        if alg == "EdDSA":
            return key.sign(message)
        digest = hash_of[alg[2:5]]()
        if alg[:2] == "RS":
            return key.sign(message, padding.PKCS1v15(), digest)
        if alg[:2] == "PS":
            length = digest.digest_size if salt is None else salt
            return key.sign(message, padding.PSS(padding.MGF1(digest), length), digest)
        signature = key.sign(message, ec.ECDSA(digest))
        if der:
            return signature
        length = curves[alg][2]
        return b"".join(part.to_bytes(length, "big") for part in decode_dss_signature(signature))

    def key_text(name):
        return private[name].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def token(kind):
        name = rng.choice(sorted(keys))
        alg = name.split("-")[0]
        other = name[:-1] + ("b" if name[-1] == "a" else "a")
        says, signs, header = alg, alg, {}
        if kind == "other_hash" and alg[:2] in ("RS", "PS"):
            signs = alg[:2] + rng.choice([h for h in hash_of if h != alg[2:]])
        if kind == "other_padding" and alg[:2] in ("RS", "PS"):
            signs = ("PS" if alg[:2] == "RS" else "RS") + alg[2:]
        if kind == "public_key_as_secret" and alg[:2] in ("RS", "ES"):
            says = signs = "HS256"
        if kind != "no_kid":
            header["kid"] = name
        header = {"alg": says, **header, "typ": "JWT"}
        claims = {"iss": "https://peers.example/", "n": rng.getrandbits(60), "text": "".join(rng.choices("abc?>~ü", k=rng.randrange(9)))}
        head, body = b64(json.dumps(header).encode()), b64(json.dumps(claims, ensure_ascii=False).encode())
        message = f"{head}.{body}".encode()
        salt = rng.choice([0, 8, 20, 100]) if kind == "other_salt" and alg[:2] == "PS" else None
        signature = bytearray(sign(other if kind == "other_key" else name, signs, message, salt, kind == "der"))
        if kind == "bit":
            signature[rng.randrange(len(signature))] ^= 1 << rng.randrange(8)
        if kind == "cut":
            del signature[rng.randrange(1, len(signature)) :]
        if kind == "leading_zero":
            signature[:0] = b"\0"
        if kind == "trailing_zero":
            signature += b"\0"
        if kind == "zeros":
            signature = bytearray(len(signature))
        if kind == "other_claims":
            body = b64(json.dumps(claims | {"admin": True}, ensure_ascii=False).encode())
        text = b64(bytes(signature))
        if kind == "padded":
            text += "=" * (-len(text) % 4)
        if kind == "standard_base64":
            text = text.replace("-", "+").replace("_", "/")
        if kind == "stray_bits" and len(text) % 4:
            alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            text = text[:-1] + alphabet[alphabet.index(text[-1]) | 1]
        return {"text": f"{head}.{body}.{text}", "key": name, "alg": says, "kind": kind}

    kinds = ["right"] * 6 + ["no_kid", "bit", "cut", "leading_zero", "trailing_zero", "zeros", "other_key", "other_claims", "other_hash", "other_padding", "other_salt", "der", "padded", "standard_base64", "stray_bits", "public_key_as_secret"]
    return {"keys": keys, "tokens": [token(kinds[n % len(kinds)]) for n in range(count)]}


def ask_pyjwt(work):
    """Runs in the Python that has PyJWT."""
    import jwt

    said = []
    for token in work["tokens"]:
        try:
            key = jwt.PyJWK(work["keys"][token["key"]], algorithm=token["alg"]).key
        except (jwt.exceptions.PyJWKError, jwt.exceptions.InvalidKeyError):
            said.append(False)
            continue
        try:
            jwt.api_jws.decode(token["text"], key, algorithms=[token["alg"]])
            said.append(True)
        except jwt.exceptions.PyJWTError:
            said.append(False)
    return said


def ask_jwtriage(binary, directory, work):
    logs, policy, out = (os.path.join(directory, name) for name in ("peers.log", "policy.toml", "report"))
    with open(logs, "w") as file:
        for token in work["tokens"]:
            file.write(f"2026-06-12T01:00:00Z token: {token['text']} end\n")
    named = [jwk | {"kid": name} for name, jwk in work["keys"].items()]
    json.dump({"keys": named}, open(os.path.join(directory, "keys.json"), "w"))
    open(policy, "w").write('[[issuer]]\niss = "https://peers.example/"\n[[issuer.keys]]\njwks = "keys.json"\n')
    done = subprocess.run([binary, "scan", logs, "--policy", policy, "--out", out, "--occurrences", "--quiet"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"jwtriage: exit {done.returncode}: {done.stderr}")
    read = lambda name: csv.DictReader(open(os.path.join(out, name), newline=""))
    signature = {(row["fingerprint"], row["verdict"], row["detail"]): row["signature"] for row in read("tokens.csv")}
    found = {int(row["line"]): (row["fingerprint"], row["verdict"], row["detail"]) for row in read("occurrences.csv")}
    return [(signature[found[n]], "/".join(found[n][1:])) for n in range(1, len(work["tokens"]) + 1)]


def main():
    option = lambda name, default: int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else default
    binary, count, seed = os.path.abspath(sys.argv[1]), option("--tokens", 2400), option("--seed", 1)
    with tempfile.TemporaryDirectory() as directory:
        python = install(directory)
        if python is None:
            print("not compared: PyJWT and jose could not be installed")
            sys.exit(77)
        run = lambda *command: json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        file = os.path.join(directory, "work.json")
        work = run(python, __file__, "make", str(seed), str(count))
        json.dump(work, open(file, "w"))
        with open(os.path.join(HERE, "verify.mjs")) as source, open(os.path.join(directory, "verify.mjs"), "w") as copy:
            copy.write(source.read())
        said = {"PyJWT": run(python, __file__, "ask", file), "jose": run("node", os.path.join(directory, "verify.mjs"), file)}
        ours = ask_jwtriage(binary, directory, work)
    agree, explained, wrong, without = Counter(), Counter(), Counter(), Counter()
    for peer, answers in said.items():
        for token, theirs, (signature, verdict) in zip(work["tokens"], answers, ours):
            place = (peer, token["kind"])
            if token["kind"] == "public_key_as_secret":
                theirs = bool(theirs)  # A key that refuses the algorithm verifies nothing.
            if theirs is None:
                without[(peer, token["alg"])] += 1
            elif theirs == (signature == "verified"):
                agree[peer] += 1
            elif place in EXPLAINED and theirs and verdict.startswith("malformed/"):
                explained[place] += 1
            else:
                wrong[(*place, token["alg"], f"they say {theirs}, jwtriage {signature} {verdict}")] += 1
    verified = sum(signature == "verified" for signature, _ in ours)
    print(f"{count} tokens, of which jwtriage verifies {verified}")
    for peer in PEERS:
        print(f"{peer}: agrees on {agree[peer]}")
    for (peer, alg), n in sorted(without.items()):
        print(f"{peer}: has no {alg} ({n} tokens)")
    for place, n in sorted(explained.items()):
        print(f"{place[0]}: {n} differ as explained: {EXPLAINED[place]}")
    for place, n in wrong.most_common():
        print(f"DIFFERENT {n}: {place}")
    sys.exit(bool(wrong))


if sys.argv[1] == "make":
    json.dump(make(int(sys.argv[2]), int(sys.argv[3])), sys.stdout)
elif sys.argv[1] == "ask":
    json.dump(ask_pyjwt(json.load(open(sys.argv[2]))), sys.stdout)
else:
    main()
