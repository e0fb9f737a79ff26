"""Secrets and certificates that a stack's state keeps: the same for whoever deploys, from whichever machine."""

import ssl
from pathlib import Path
from threading import Event
from typing import Any

from cryptography import x509

from groundplan.local.stack_certificate import StackCertificateHandler
from groundplan.local.stack_secret import StackSecretHandler
from groundplan.provider.handler import Context

CONTEXT = Context("urn", "x", False, lambda _: None, lambda _: None, {}, Event())
SECRET, CERTIFICATE = StackSecretHandler(), StackCertificateHandler()


def secret(path: str = "") -> dict[str, Any]:
    return {"name": "controlplane-token", "stack_id": "id", "path": path}


def test_a_secret_outlives_the_machine_that_made_it(tmp_path: Path) -> None:
    id, state = SECRET.create(secret(str(tmp_path / "a" / "token")), CONTEXT)
    assert id == "id/controlplane-token"
    assert len(state["value"]) >= 40
    file = Path(state["path"])
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()  # another person's checkout
    seen = SECRET.read(id, state, CONTEXT) or {}
    assert seen["value"] == state["value"]
    assert SECRET.unsettled(seen) == {"intact"}
    again = SECRET.update(id, seen, secret(str(tmp_path / "b" / "token")), CONTEXT)
    assert again["value"] == state["value"]
    assert Path(again["path"]).read_text().strip() == state["value"]


def test_a_secret_without_a_file_is_quiet() -> None:
    id, state = SECRET.create(secret(), CONTEXT)
    assert SECRET.unsettled(SECRET.read(id, state, CONTEXT) or {}) == frozenset()
    assert SECRET.create(secret(), CONTEXT)[1]["value"] != state["value"]
    SECRET.delete(id, state, CONTEXT)


def test_a_secrets_file_goes_with_it(tmp_path: Path) -> None:
    id, state = SECRET.create(secret(str(tmp_path / "token")), CONTEXT)
    SECRET.delete(id, state, CONTEXT)
    assert not (tmp_path / "token").exists()


def certificate(path: Path, *hosts: str) -> dict[str, Any]:
    return {"stack": "kind", "stack_id": "id", "path": str(path), "hosts": list(hosts)}


def test_a_certificate_is_trusted_by_its_authority_for_its_hosts(tmp_path: Path) -> None:
    id, state = CERTIFICATE.create(certificate(tmp_path / "ca.pem", "gateway.groundplan.svc", "10.1.2.3"), CONTEXT)
    ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    for name, text in (("chain.pem", state["chain"]), ("key.pem", state["key"])):
        (tmp_path / name).write_text(text)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    for host in ("localhost", "gateway.groundplan.svc", "10.1.2.3"):
        assert _shaken(server, tmp_path / "ca.pem", host), host
    assert not _shaken(server, tmp_path / "ca.pem", "elsewhere.example.org")
    assert CERTIFICATE.secret_outputs == {"key", "ca_key"}
    assert CERTIFICATE.unsettled(CERTIFICATE.read(id, state, CONTEXT) or {}) == frozenset()


def _shaken(server: ssl.SSLContext, authority: Path, host: str) -> bool:
    """A handshake in memory."""
    pipes = [ssl.MemoryBIO() for _ in range(4)]
    ours = ssl.create_default_context(cafile=str(authority))
    here = ours.wrap_bio(pipes[0], pipes[1], server_hostname=host)
    there = server.wrap_bio(pipes[2], pipes[3], server_side=True)
    done = set()
    for _ in range(6):
        for side, name in ((here, "here"), (there, "there")):
            try:
                side.do_handshake()
                done.add(name)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError:
                return False
        pipes[2].write(pipes[1].read())
        pipes[0].write(pipes[3].read())
    return done == {"here", "there"}


def test_another_machine_gets_the_authority_and_nothing_is_made_anew(tmp_path: Path) -> None:
    id, state = CERTIFICATE.create(certificate(tmp_path / "ca.pem"), CONTEXT)
    (tmp_path / "ca.pem").unlink()
    seen = CERTIFICATE.read(id, state, CONTEXT) or {}
    assert CERTIFICATE.unsettled(seen) == {"intact"}
    again = CERTIFICATE.update(id, seen, certificate(tmp_path / "ca.pem"), CONTEXT)
    assert {key: again[key] for key in ("ca", "chain", "key")} == {key: state[key] for key in ("ca", "chain", "key")}
    assert (tmp_path / "ca.pem").read_text() == state["ca"]


def test_other_hosts_are_another_certificate(tmp_path: Path) -> None:
    id, state = CERTIFICATE.create(certificate(tmp_path / "ca.pem"), CONTEXT)
    again = CERTIFICATE.update(id, state, certificate(tmp_path / "ca.pem", "ml.example.org"), CONTEXT)
    assert again["chain"] != state["chain"]
    assert again["ca"] != state["ca"]  # an authority speaks for the hosts that it was made for


def test_one_that_a_proxy_has_to_take_is_held_to_no_address(tmp_path: Path) -> None:
    """BoringSSL, and so Envoy, refuses whatever an authority signed that is held to addresses."""
    named = {**certificate(tmp_path / "ca.pem", "gateway.groundplan.svc"), "only_hosts": True}
    id, state = CERTIFICATE.create(named, CONTEXT)
    for text in (state["ca"], state["chain"]):
        read = x509.load_pem_x509_certificate(text.encode())
        kind = x509.NameConstraints if text == state["ca"] else x509.SubjectAlternativeName
        names = read.extensions.get_extension_for_class(kind).value
        listed = names.permitted_subtrees if isinstance(names, x509.NameConstraints) else list(names)
        assert listed == [x509.DNSName("gateway.groundplan.svc")]
    assert CERTIFICATE.update(id, state, named, CONTEXT)["chain"] == state["chain"]
    wider = CERTIFICATE.update(id, state, certificate(tmp_path / "ca.pem", "gateway.groundplan.svc"), CONTEXT)
    assert wider["ca"] != state["ca"]
