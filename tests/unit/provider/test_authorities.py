"""Whom the control plane's certificate may be signed by: an organisation's own authority, too."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from groundplan.gateway.authority import ensure
from groundplan.provider.rest import authorities


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A server whose certificate an authority of its own has signed; the authority's is ``ca.pem``."""
    ensure(tmp_path, "test", Path.write_text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "gateway.pem", tmp_path / "gateway-key.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"https://localhost:{listening.server_port}/"
        listening.shutdown()
        thread.join()


def test_whoever_this_machine_trusts_is_trusted(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.head(server, verify=authorities(), trust_env=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert httpx.head(server, verify=authorities(), trust_env=False).status_code == 200


def test_public_ones_stay_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = len(httpx.create_ssl_context(trust_env=False).get_ca_certs())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    assert len(authorities().get_ca_certs()) >= listed > 100
