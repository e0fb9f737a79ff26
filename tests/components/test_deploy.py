"""The wiring: what is declared, in which order, under which parent, by which provider. No engine, no process."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pulumi
import pytest
from pulumi.runtime import mocks

from groundplan.compose import load
from groundplan.errors import GroundplanError
from groundplan.plan import Plan, build_plan
from groundplan.provider.schema import schema_json
from groundplan.provider.table import COMMON, KINDS
from groundplan.spec import StackSpec
from groundplan_components import resources
from groundplan_components.deploy import TARGETS, deploy
from groundplan_components.resources.ml import KIND_CLASSES

ROOT = Path(__file__).resolve().parents[2]
STACK_ID = "0b5e9f0e-test"
PYTHON = "/runtime/bin/python"
#: What only the other targets register (test_kubernetes.py).
IN_A_CLUSTER = {"groundplan:kind:Cluster", "groundplan:stack:Certificate", "groundplan:stack:Secret"}


class Echo(mocks.Mocks):
    """Every resource is there, with its inputs as outputs."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return f"{args.name}-id", {"value": "s3cret", **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return {}, None


class Recorder(mocks.MockMonitor):
    """Keeps every registration as the engine would get it."""

    def __init__(self) -> None:
        super().__init__(Echo())
        self.requests: dict[str, Any] = {}
        self.urns: dict[str, str] = {}

    def RegisterResource(self, request: Any) -> Any:
        # A service has the name of the component around it.
        self.requests[_title(request.type, request.name)] = request
        self.urns[self.make_urn(request.parent, request.type, request.name)] = _title(request.type, request.name)
        return super().RegisterResource(request)

    def after(self, title: str) -> set[str]:
        """What a resource waits for: its own dependencies, and those of the component around it."""
        request = self.requests[title]
        parent = self.urns.get(request.parent)
        above = self.after(parent) if parent else set()
        return above | {self.urns[urn] for urn in request.dependencies}


def _title(type: str, name: str) -> str:
    return name if type.startswith("groundplan:ml:") else f"{type.rsplit(':', 1)[-1]} {name}"


class Deployed:
    """The repository's own stack, deployed onto the recorder."""

    def __init__(self, root: Path = ROOT) -> None:
        self.stack, projects = load(root, "local")
        self.plan: Plan = build_plan(self.stack, projects)
        self.recorder = Recorder()
        mocks.set_mocks(Echo(), project="groundplan", stack="local", monitor=self.recorder)
        pulumi.runtime.set_config("groundplan:stack-id", STACK_ID)
        self.outputs: dict[str, Any] = {}
        pulumi.runtime.test(self._run)()

    def _run(self) -> None:
        self.outputs = deploy(self.stack, self.plan, ROOT)


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDPLAN_RUNTIME_PYTHON", PYTHON)
        yield Deployed()


def test_every_node_of_the_plan_is_a_resource_under_its_project(deployed: Deployed) -> None:
    for node in deployed.plan.nodes:
        request = deployed.recorder.requests[node.id]
        assert request.type == f"groundplan:ml:{node.kind}"
        assert request.parent.endswith(f"groundplan:platform:Project::{node.project}")
        assert request.object["digest"] == node.digest
        assert "groundplan" in request.provider


def test_ml_resources_wait_for_what_they_need_and_go_with_the_database(deployed: Deployed) -> None:
    database = next(urn for urn, title in deployed.recorder.urns.items() if title == "Service database")
    for node in deployed.plan.nodes:
        assert deployed.recorder.after(node.id) >= {*node.needs, "Service controlplane"}
        assert deployed.recorder.requests[node.id].deletedWith == database


@pytest.mark.parametrize(
    ("title", "needs"),
    [
        ("RuntimeConfig runtime-config", {"DataFolder data-folder", "Secret database-admin"}),
        ("Service database", {"RuntimeConfig runtime-config"}),
        ("Service mlflow", {"Service database", "Service objects"}),
        ("Service feast", {"Service database", "Service online-store"}),
        ("Service ray", {"RuntimeConfig runtime-config"}),
        ("Service controlplane", {"Service database", "Service objects", "Service mlflow", "Service ray"}),
    ],
)
def test_services_start_after_what_they_need(deployed: Deployed, title: str, needs: set[str]) -> None:
    assert deployed.recorder.after(title) >= needs


def test_every_type_and_input_that_is_registered_is_in_the_schema(deployed: Deployed) -> None:
    schema = json.loads(schema_json())["resources"]
    custom = [r for r in deployed.recorder.requests.values() if r.custom and not r.type.startswith("pulumi:")]
    assert {request.type for request in custom} == schema.keys() - IN_A_CLUSTER
    for request in custom:
        assert set(request.object) <= schema[request.type]["inputProperties"].keys(), request.name
        assert set(schema[request.type]["requiredInputs"]) <= set(request.object), request.name


def test_the_provider_knows_its_endpoint_before_anything_exists(deployed: Deployed) -> None:
    config = deployed.recorder.requests["groundplan groundplan"].object
    assert config["stack_id"] == STACK_ID
    assert config["endpoint"] == f"http://127.0.0.1:{deployed.stack.local.port('controlplane')}"
    assert config["token_file"].endswith("/secrets/controlplane-token")


def test_endpoints_are_known_and_credentials_secret(deployed: Deployed) -> None:
    endpoints = deployed.outputs["endpoints"]
    assert {"predict", "controlplane", "mlflow", "feast", "ray", "objects", "database"} <= endpoints.keys()
    assert endpoints["predict"] == next(iter(endpoints["applications"].values()))
    assert endpoints["predict"] == f"{endpoints['serve']}/flights/delay"
    seen: list[Any] = []
    credentials = deployed.outputs["credentials"]
    pulumi.runtime.test(lambda: pulumi.Output.all(credentials.is_secret(), credentials).apply(seen.append))()
    [[secret, values]] = seen
    assert secret
    assert values["controlplane-token"] == "s3cret"
    assert not any(name.startswith(("identity-user-", "identity-client-")) for name in values)


def test_everybody_declared_has_a_secret_of_their_own(deployed: Deployed) -> None:
    assert deployed.outputs["identity"] == f"https://localhost:{deployed.stack.local.port('gateway')}/identity"
    seen: list[Any] = []
    identities = deployed.outputs["identities"]
    pulumi.runtime.test(lambda: pulumi.Output.all(identities.is_secret(), identities).apply(seen.append))()
    [[secret, values]] = seen
    assert secret
    assert set(values) == {
        "identity-user-ana", "identity-user-ben", "identity-user-vera", "identity-user-root", "identity-client-ci",
    }  # fmt: skip
    told = " ".join(deployed.recorder.requests["Service identity"].object["setup"][0])
    assert "ana@example.org" in told
    assert "s3cret" not in told


def test_another_issuer_is_named_and_none_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDPLAN_RUNTIME_PYTHON", PYTHON)
    for part in ("stacks", "projects"):
        shutil.copytree(ROOT / part, tmp_path / part)
    file = tmp_path / "stacks" / "local.yaml"
    text = file.read_text().replace("identity: local}", "identity: 'https://login.example.org/x'}")
    file.write_text(re.sub(r"(?ms)^identity:\n.*?(?=^access:)", "", text))
    deployed = Deployed(tmp_path)
    assert deployed.outputs["identity"] == "https://login.example.org/x"
    assert not [title for title in deployed.recorder.requests if "dentity" in title and title.startswith("Service")]
    assert not [title for title in deployed.recorder.requests if title.startswith("Secret identity-user-")]


def test_a_shared_registry_is_its_owners_and_no_mlflow_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDPLAN_RUNTIME_PYTHON", PYTHON)
    for part in ("stacks", "projects"):
        shutil.copytree(ROOT / part, tmp_path / part)
    file = tmp_path / "stacks" / "local.yaml"
    file.write_text(f"{file.read_text()}\nsource: {{stack: dev, registry: shared}}\n")
    deployed = Deployed(tmp_path)
    requests, owner = deployed.recorder.requests, deployed.stack.owner
    assert owner is not None
    assert not {"Service mlflow", "Secret mlflow-token", "Secret mlflow-reader-token"} & requests.keys()
    runtime = requests["RuntimeConfig runtime-config"].object
    token = f"{ROOT}/{owner.local.data_dir}/secrets/mlflow-reader-token"
    assert runtime["registry"] == {"stack": "dev", "token_file": token}
    assert runtime["endpoints"]["mlflow"] == f"http://127.0.0.1:{owner.local.port('mlflow')}"
    told = json.loads(requests["Service gateway"].object["setup"][0][-1])
    assert "mlflow" not in told["upstreams"]
    schema = json.loads(schema_json())["resources"]["groundplan:local:RuntimeConfig"]
    assert set(runtime) <= schema["inputProperties"].keys()


def test_classes_take_and_have_what_the_table_says() -> None:
    assert KIND_CLASSES.keys() == KINDS.keys()
    for name, kind in KINDS.items():
        args = getattr(resources.ml, f"{name}Args")
        assert set(args.__annotations__) | COMMON.keys() == kind.inputs.keys(), name
        optional = {key for key, prop in kind.inputs.items() if prop.optional}
        assert args.__optional_keys__ == optional, name


def test_every_target_that_can_be_declared_can_be_deployed() -> None:
    assert set(get_args(StackSpec.model_fields["target"].annotation)) == TARGETS.keys()


def test_a_stack_without_an_id_is_one_line() -> None:
    stack = StackSpec.model_validate({"name": "local", "target": "local"})
    mocks.set_mocks(Echo(), project="groundplan", stack="local")
    pulumi.runtime.set_all_config({})
    with pytest.raises(GroundplanError, match="groundplan:stack-id is missing; fix: groundplan up local"):
        deploy(stack, Plan("local", "local", ()), ROOT)


def test_without_a_runtime_the_fix_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROUNDPLAN_RUNTIME_PYTHON", raising=False)
    stack = StackSpec.model_validate({"name": "local", "target": "local"})
    mocks.set_mocks(Echo(), project="groundplan", stack="local")
    pulumi.runtime.set_config("groundplan:stack-id", STACK_ID)
    with pytest.raises(GroundplanError, match=r"fix: groundplan up local"):
        deploy(stack, Plan("local", "local", ()), ROOT)
