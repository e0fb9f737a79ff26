"""A proxy on Envoy before the platform's own gateway, as a BackendTLSPolicy tells it: which certificates it takes."""

import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import envoy
import httpx
import pytest

from groundplan.gateway.authority import MACHINE, ensure
from tests.support.kube.children import free_ports, until

NAME = "gateway.groundplan.svc"
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
HTTP = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}


@pytest.mark.parametrize(("machine", "status"), [((), 200), (MACHINE, 503)])
def test_one_of_an_authority_that_is_held_to_names_is_taken(
    tmp_path: Path, machine: tuple[str, ...], status: int
) -> None:
    """And one that is held to addresses, too, is not: why the stack makes the other where a proxy is before it."""
    ensure(tmp_path, "test", Path.write_text, hosts=[NAME], machine=machine)
    with _server(tmp_path) as behind, _proxy(tmp_path, behind) as url:
        assert httpx.get(url, trust_env=False, timeout=20).status_code == status


@contextmanager
def _server(tls: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "gateway.pem", tls / "gateway-key.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening.server_port
        listening.shutdown()
        thread.join()


@contextmanager
def _proxy(folder: Path, behind: int) -> Iterator[str]:
    port, admin = free_ports(2)
    declared = folder / "envoy.json"
    declared.write_text(json.dumps(_config(port, admin, behind, str(folder / "ca.pem"))))
    program = Path(envoy.__file__).parent / "_bin" / "envoy"
    command = [str(program), "-c", str(declared), "--use-dynamic-base-id", "-l", "error", "--concurrency", "1"]
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        until(lambda: _live(admin), "Envoy answers", 60)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(20)


def _live(admin: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{admin}/ready", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _config(port: int, admin: int, behind: int, authority: str) -> dict[str, object]:
    validation = {
        "trusted_ca": {"filename": authority},
        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": NAME}}],
    }
    secured = {"@type": TLS, "sni": NAME, "common_tls_context": {"validation_context": validation}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "gateway"}}
    http = {
        "@type": f"type.googleapis.com/{HTTP}",
        "stat_prefix": "proxy",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": ROUTER}],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": http}]
    endpoint = {"endpoint": {"address": _at(behind)}}
    cluster = {
        "name": "gateway",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "gateway", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": secured},
    }
    listener = {"address": _at(port), "filter_chains": [{"filters": filters}]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}, "admin": {"address": _at(admin)}}


def _at(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
