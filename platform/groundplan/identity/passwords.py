"""Passwords and client secrets, hashed with scrypt (RFC 7914): ``scrypt$<salt>$<hash>``, both in hexadecimal."""

import hashlib
import hmac
import secrets
import threading

#: 16 MiB and some 50 ms a try.
_N, _R, _P, _MEMORY = 2**14, 8, 1, 2**26
_SALT = 16
#: No more than this many at once: whoever sends many must not fill the machine's memory.
_AT_ONCE = threading.BoundedSemaphore(2)


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    salt = secrets.token_bytes(_SALT)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def matches(password: str, kept: str | None) -> bool:
    """Tell whether a password is the one that was hashed. As slow for nobody's (``None``): names cannot be guessed."""
    _, salt, expected = (kept or NOBODY).split("$")
    found = _scrypt(password, bytes.fromhex(salt)).hex()
    return hmac.compare_digest(found, expected) and kept is not None


def _scrypt(password: str, salt: bytes) -> bytes:
    with _AT_ONCE:
        return hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=_MEMORY)


NOBODY = f"scrypt${'00' * _SALT}${'00' * 64}"
