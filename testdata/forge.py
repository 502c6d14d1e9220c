"""What the generators share: keys that come out of a seed, tokens, archives with nothing random in them.

Needs `cryptography` (43 or newer, for deterministic ECDSA) and `zstandard`. No private key is ever written: each one
is made again from its name, and is worth nothing outside these files.
"""

import base64
import bz2
import gzip
import hashlib
import hmac
import io
import json
import lzma
import random
import struct
import sys
import tarfile
import zipfile

import zstandard
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

sys.dont_write_bytecode = True

SEED = "jwtriage test data, not a secret: "


def b64(data):
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def fingerprint(own):
    """The name that reports give a token under the public key (contract section 5)."""
    key = b"jwtriage public fingerprint key, version 1"
    return "jt_" + hmac.new(key, own.encode(), hashlib.sha256).hexdigest()[:20]


def prime(rng, bits):
    """A random prime with both top bits set, by Miller and Rabin."""
    small = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
    while True:
        n = rng.getrandbits(bits) | (3 << (bits - 2)) | 1
        if any(n % p == 0 for p in small) or (n - 1) % 65537 == 0:
            continue
        shift = ((n - 1) & -(n - 1)).bit_length() - 1
        for _ in range(24):
            x = pow(rng.randrange(2, n - 1), (n - 1) >> shift, n)
            if x in (1, n - 1):
                continue
            for _ in range(shift - 1):
                x = x * x % n
                if x == n - 1:
                    break
            else:
                break
        else:
            return n


class Key:
    """A key pair made from its kid: `rsa` (2048 bits), `ec` (P-256) or `ed` (Ed25519)."""

    def __init__(self, kid, kind, **members):
        self.kid, self.kind, self.members = kid, kind, members
        seed = hashlib.sha256((SEED + kid).encode()).digest()
        if kind == "rsa":
            rng = random.Random(seed)
            p, q, e = prime(rng, 1024), prime(rng, 1024), 65537
            d = pow(e, -1, (p - 1) * (q - 1))
            numbers = rsa.RSAPublicNumbers(e, p * q)
            numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), numbers)
            self.private, self.alg = numbers.private_key(), "RS256"
        elif kind == "ec":
            self.private, self.alg = ec.derive_private_key(int.from_bytes(seed) >> 1, ec.SECP256R1()), "ES256"
        else:
            self.private, self.alg = ed25519.Ed25519PrivateKey.from_private_bytes(seed), "EdDSA"

    def sign(self, text, alg=None):
        """A real signature; the same one for the same text."""
        data = text.encode()
        if self.kind == "rsa":
            hash_of = {"RS256": hashes.SHA256, "RS512": hashes.SHA512}[alg or self.alg]
            return self.private.sign(data, padding.PKCS1v15(), hash_of())
        if self.kind == "ec":
            der = self.private.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
            return b"".join(n.to_bytes(32) for n in decode_dss_signature(der))
        return self.private.sign(data)

    def jwk(self):
        public = self.private.public_key()
        number = lambda n: b64(n.to_bytes((n.bit_length() + 7) // 8))
        if self.kind == "rsa":
            n = public.public_numbers()
            own = {"kty": "RSA", "n": number(n.n), "e": number(n.e)}
        elif self.kind == "ec":
            n = public.public_numbers()
            own = {"kty": "EC", "crv": "P-256", "x": b64(n.x.to_bytes(32)), "y": b64(n.y.to_bytes(32))}
        else:
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            own = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
        return {"kid": self.kid} | own | {"use": "sig", "alg": self.alg} | self.members


def jwks(*keys):
    """A key set as a provider serves it."""
    return (json.dumps({"keys": [key.jwk() for key in keys]}, indent=2) + "\n").encode()


def jws(key, header, claims, alg=None):
    """A signed token. `header` and `claims` are objects, or bytes to be taken as they are."""
    parts = [b64(part if isinstance(part, bytes) else compact(part)) for part in (header, claims)]
    text = ".".join(parts)
    return f"{text}.{b64(key.sign(text, alg))}"


def gz(*members):
    """One gzip stream, with a member for each argument."""
    return b"".join(gzip.compress(member, 9, mtime=0) for member in members)


def zst(*frames):
    return b"".join(zstandard.ZstdCompressor(level=19).compress(frame) for frame in frames)


def bz(data):
    return bz2.compress(data)


def xz(data):
    return lzma.compress(data, preset=6)


def xxh32(data):
    """The checksum of LZ4 frames, seed 0, for the short inputs that headers are (under 16 bytes)."""
    assert len(data) < 16
    mask, p1, p2, p3, p4, p5 = 0xFFFFFFFF, 2654435761, 2246822519, 3266489917, 668265263, 374761393
    roll = lambda x, n: ((x << n) | (x >> (32 - n))) & mask
    h, i = (p5 + len(data)) & mask, 0
    while i + 4 <= len(data):
        h = roll((h + struct.unpack_from("<I", data, i)[0] * p3) & mask, 17) * p4 & mask
        i += 4
    for byte in data[i:]:
        h = roll((h + byte * p5) & mask, 11) * p1 & mask
    h = (h ^ h >> 15) * p2 & mask
    h = (h ^ h >> 13) * p3 & mask
    return h ^ h >> 16


def lz4_block(data):
    """A greedy LZ4 block."""

    def more(n):
        return b"\xff" * (n // 255) + bytes([n % 255])

    out, seen, at, literal = bytearray(), {}, 0, 0
    while at + 12 < len(data):
        start = seen.get(data[at : at + 4])
        seen[data[at : at + 4]] = at
        if start is None or at - start > 65535:
            at += 1
            continue
        length = 4
        while at + length < len(data) - 5 and data[start + length] == data[at + length]:
            length += 1
        literals = data[literal:at]
        out.append(min(len(literals), 15) << 4 | min(length - 4, 15))
        out += (more(len(literals) - 15) if len(literals) >= 15 else b"") + literals
        out += struct.pack("<H", at - start) + (more(length - 19) if length >= 19 else b"")
        at += length
        literal = at
    literals = data[literal:]
    out.append(min(len(literals), 15) << 4)
    return bytes(out + (more(len(literals) - 15) if len(literals) >= 15 else b"") + literals)


def lz4(data):
    """An LZ4 frame of independent blocks of at most 64 KiB, without checksums but the header's."""
    descriptor = bytes([0b01100000, 0x40])
    out = b"\x04\x22\x4d\x18" + descriptor + bytes([xxh32(descriptor) >> 8 & 0xFF])
    for i in range(0, len(data), 1 << 16):
        block = lz4_block(data[i : i + (1 << 16)])
        out += struct.pack("<I", len(block)) + block
    return out + struct.pack("<I", 0)


def tar(members):
    """A tar of (name, data, modification time in seconds)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data, modified in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(data), modified, 0o644
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(members):
    """A zip of (name, data, (year, month, day, hour, minute, second)), stored or deflated in turn."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i, (name, data, modified) in enumerate(members):
            info = zipfile.ZipInfo(name, modified)
            info.create_system = 3
            info.compress_type = zipfile.ZIP_STORED if i % 2 else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()


def put(directory, files):
    """Writes {path: bytes} below a directory."""
    for path, data in files.items():
        path = directory / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
