"""An issuer's keys and tokens, good and bad, made in the test: JSON Web Signatures by RFC 7515, written out."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def encoded(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _whole(number: int, size: int) -> str:
    return encoded(number.to_bytes(size, "big"))


@dataclass
class Key:
    """One key pair for ES256, under its id."""

    kid: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def public(self) -> dict[str, str]:
        """The JWK that the issuer publishes."""
        point = self.private.public_key().public_numbers()
        where = {"x": _whole(point.x, 32), "y": _whole(point.y, 32)}
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid, **where}

    def sign(self, content: bytes) -> bytes:
        """An ES256 signature: both numbers, one behind the other."""
        r, s = decode_dss_signature(self.private.sign(content, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def pem(self) -> bytes:
        """The public key as everybody can have it."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form)


@dataclass
class RsaKey:
    """One key pair for RS256, under its id."""

    kid: str
    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def public(self) -> dict[str, str]:
        """The JWK that the issuer publishes."""
        numbers = self.private.public_key().public_numbers()
        where = {"n": _whole(numbers.n, 256), "e": _whole(numbers.e, 3)}
        return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid, **where}

    def sign(self, content: bytes) -> bytes:
        """An RS256 signature."""
        return self.private.sign(content, padding.PKCS1v15(), hashes.SHA256())


@dataclass
class Issuer:
    """Who gives tokens out: its name and its keys, the first of which signs."""

    name: str
    keys: list[Key | RsaKey] = field(default_factory=lambda: [Key("first")])

    def jwks(self) -> bytes:
        """The document of its public keys."""
        return json.dumps({"keys": [key.public() for key in self.keys]}).encode()

    def claims(self, sub: str, *roles: str, **changes: Any) -> dict[str, Any]:
        """What a token says; ``changes`` replace, ``None`` removes."""
        now = int(time.time())
        said = {
            "iss": self.name, "aud": "groundplan", "sub": sub, "name": sub.title(), "email": f"{sub}@example.org",
            "groups": ["everyone"], "roles": list(roles), "client_id": "groundplan-cli", "iat": now, "exp": now + 900,
            "jti": hashlib.sha256(f"{sub}{time.time_ns()}".encode()).hexdigest()[:16],
        }  # fmt: skip
        return {key: value for key, value in {**said, **changes}.items() if value is not None}

    def token(self, sub: str, *roles: str, **changes: Any) -> str:
        """A token that holds, unless ``changes`` spoil it."""
        key = self.keys[0]
        alg = "RS256" if isinstance(key, RsaKey) else "ES256"
        return signed({"alg": alg, "kid": key.kid, "typ": "JWT"}, self.claims(sub, *roles, **changes), key)


def signed(header: dict[str, Any], claims: dict[str, Any], key: Key | RsaKey | bytes | None) -> str:
    """A token by any header, signed with a key pair, with bytes (HS256), or not at all."""
    content = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    if key is None:
        return f"{content}."
    if isinstance(key, bytes):
        return f"{content}.{encoded(hmac.digest(key, content.encode(), 'sha256'))}"
    return f"{content}.{encoded(key.sign(content.encode()))}"
