"""Commands about a stack in a cluster: people go through its gateway, who deploys asks the control plane."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from groundplan.cli import _platform, _summary
from groundplan.cli._checkout import Checkout
from groundplan.cli._platform import Platform
from groundplan.errors import Refused
from groundplan.spec import StackSpec
from groundplan.targets.doors import outside, own_certificate
from tests.unit.cli.conftest import Desk
from tests.unit.cli.test_asking import use


def platform(folder: Path, **cluster: Any) -> Platform:
    declared = cluster or {"node_host": "10.0.0.1"}
    fields = {"name": "prod", "target": "kubernetes", "kubernetes": {"context": "prod"}, "cluster": declared}
    return Platform(Checkout(folder, "prod"), StackSpec.model_validate(fields))


def test_an_application_is_asked_behind_the_gateway(tmp_path: Path) -> None:
    by_node = platform(tmp_path)
    assert by_node.application("p/a") == "https://10.0.0.1:30443/serve/p/a"
    assert by_node.gateway is not None
    assert by_node.gateway.authority == tmp_path / ".groundplan/prod/gateway-ca.pem"
    by_ingress = platform(tmp_path, ingress={"host": "ml.example.org"})
    assert by_ingress.application("p/a") == "https://ml.example.org/serve/p/a"
    assert by_ingress.gateway is not None
    assert by_ingress.gateway.authority is None


def test_a_kind_cluster_is_entered_by_its_ingress_at_the_gateways_host_port() -> None:
    ingress = {"host": "ml.example.org", "api": "gateway"}
    own = StackSpec.model_validate({"name": "kind", "target": "kind", "cluster": {"ingress": ingress}})
    found = outside(own)
    assert found["gateway"] == "https://ml.example.org:15443"
    assert found.items() - outside(StackSpec(name="kind", target="kind")).items() == {("gateway", found["gateway"])}
    assert own_certificate(own)
    issued = {"ingress": {**ingress, "issuer": "ml"}}
    assert not own_certificate(StackSpec.model_validate({"name": "kind", "target": "kind", "cluster": issued}))


def test_up_ends_well_where_nobody_is_signed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(*_: object) -> str:
        raise Refused("nobody is signed in; fix: groundplan login")

    monkeypatch.setattr(_platform, "open_provider", lambda _: None)
    monkeypatch.setattr(_platform, "access_token", nobody)
    assert not platform(tmp_path).signed_in()
    _summary.summarize(platform(tmp_path), [])
    assert "groundplan login prod, then groundplan predict -e prod" in capsys.readouterr().out
    monkeypatch.setattr(_platform, "access_token", lambda *_: "token")
    assert platform(tmp_path).signed_in()


def test_its_services_are_those_that_the_control_plane_tells_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / ".groundplan/prod/secrets/controlplane-token"
    secret.parent.mkdir(parents=True)
    secret.write_text("t\n")
    told = {"services": [{"name": "mlflow", "health": "down"}, {"name": "ray", "health": "none yet"}]}
    use(lambda request: httpx.Response(200, json=told if request.url.path == "/services" else {}), monkeypatch)
    found = platform(tmp_path).services() or []
    assert {each["name"]: each["up"] for each in found} == {"mlflow": False, "ray": True}


def test_what_a_service_wrote_is_in_its_namespace(desk: Desk) -> None:
    (desk.files.root / "stacks/local.yaml").write_text(
        "name: local\ntarget: kind\ncluster: {namespace_prefix: ml-}\nprojects: [shop]\n"
    )
    said = desk.command("logs", "online_store")
    fix = "kubectl --namespace ml-groundplan logs --prefix -l app.kubernetes.io/name=online-store"
    assert said.err.strip().endswith(f"fix: {fix}")
