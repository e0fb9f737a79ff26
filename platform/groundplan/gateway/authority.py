"""The stack's own certificate authority and the gateway's certificate, as 0600 files; renewed before they end."""

import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: How long they hold, and how long before its end a certificate is made anew. Browsers take no more than 398 days.
AUTHORITY, CERTIFICATE, EARLY = timedelta(days=3650), timedelta(days=365), timedelta(days=30)
#: Of client, too: what the stack's own proxies are told, they are told by who knows them.
_USES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
MACHINE = ("localhost", "127.0.0.1", "::1")
Write = Callable[[Path, str], object]


def ensure(
    folder: Path,
    stack: str,
    write: Write,
    now: datetime | None = None,
    hosts: Sequence[str] = (),
    machine: Sequence[str] = MACHINE,
) -> tuple[str, str]:
    """Return the PEM texts of the gateway's certificate chain and key, made or renewed when they must be.

    ``folder`` gets ``ca.pem`` (what clients trust), ``ca-key.pem``, ``gateway.pem`` and ``gateway-key.pem``; ``write``
    writes a 0600 file whole. ``hosts``: names and addresses that it speaks for beside this machine's (``machine``). A
    new authority means that clients have to trust it anew: only when the old one ends.
    """
    at, named = now or datetime.now(UTC), (*machine, *hosts)
    authority = folder / "ca.pem", folder / "ca-key.pem"
    pair = folder / "gateway.pem", folder / "gateway-key.pem"
    if not _holds(*authority, at):
        _make_authority(*authority, stack, write, at, named)
        pair[0].unlink(missing_ok=True)
    if not _holds(*pair, at) or not _signed_by(pair[0], authority[0]):
        _make_certificate(*pair, authority, write, at, named)
    return pair[0].read_text(), pair[1].read_text()


def ends(certificate: Path) -> datetime:
    """Return the instant at which a certificate file ends. OSError or ValueError when there is none."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _holds(certificate: Path, key: Path, at: datetime) -> bool:
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), None)
        public = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
        return public == private.public_key() and at < ends(certificate) - EARLY
    except (OSError, ValueError):
        return False


def _signed_by(certificate: Path, authority: Path) -> bool:
    read = [x509.load_pem_x509_certificate(path.read_bytes()) for path in (certificate, authority)]
    try:
        read[0].verify_directly_issued_by(read[1])
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _make_authority(certificate: Path, key: Path, stack: str, write: Write, at: datetime, hosts: Sequence[str]) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Groundplan {stack}")
    made = (
        _builder(name, name, private.public_key(), at, AUTHORITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign=True), critical=True)
        # Whatever happens to its key: it speaks for those hosts and for nothing else.
        .add_extension(x509.NameConstraints(_names(ipaddress.ip_network, hosts), None), critical=True)
        .sign(private, hashes.SHA256())
    )
    _write_pair(certificate, key, [made], private, write)


def _make_certificate(
    certificate: Path, key: Path, authority: tuple[Path, Path], write: Write, at: datetime, hosts: Sequence[str]
) -> None:
    parent = x509.load_pem_x509_certificate(authority[0].read_bytes())
    signer = serialization.load_pem_private_key(authority[1].read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 - made above
    private = ec.generate_private_key(ec.SECP256R1())
    made = (
        _builder(_name("localhost"), parent.subject, private.public_key(), at, CERTIFICATE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_USES), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names(ipaddress.ip_address, hosts)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    _write_pair(certificate, key, [made], private, write)


def _builder(
    name: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, at: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(issuer_name=issuer, subject_name=name, public_key=public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(minutes=5))
        .not_valid_after(at + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _names(address: Callable[[str], object], hosts: Sequence[str]) -> list[x509.GeneralName]:
    """Whom it speaks for, as addresses (a certificate) or as networks of one address (an authority)."""
    return [_host(each, address) for each in dict.fromkeys(hosts)]


def _host(name: str, address: Callable[[str], object]) -> x509.GeneralName:
    try:
        return x509.IPAddress(address(name))  # type: ignore[arg-type]
    except ValueError:
        return x509.DNSName(name)


def _usage(*, sign: bool) -> x509.KeyUsage:
    unused = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False)  # fmt: skip
    return x509.KeyUsage(digital_signature=not sign, key_cert_sign=sign, crl_sign=sign, **unused)


def _write_pair(
    certificate: Path, key: Path, chain: list[x509.Certificate], private: ec.EllipticCurvePrivateKey, write: Write
) -> None:
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    write(key, private.private_bytes(serialization.Encoding.PEM, pkcs8, plain).decode())
    write(certificate, "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in chain))
