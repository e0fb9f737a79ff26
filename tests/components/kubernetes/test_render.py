"""What `groundplan render` writes: the objects that are applied, no secret, the same bytes every time."""

import json
from typing import Any

import pulumi
import pytest
import yaml
from tests.components.kubernetes.stage import Recorder, registered
from tests.support import recorded
from tests.support.copied import copied
from typer.testing import CliRunner

from groundplan.cli import render
from groundplan.cli._checkout import Checkout
from groundplan.compose import load
from groundplan.errors import GroundplanError, Refused
from groundplan.plan import build_plan
from groundplan.spec import StackSpec
from groundplan.targets.kustomize import ORDER, Rendered, external_secret, file_name, index, later, rendered
from groundplan_components.deploy import deploy

STACK_ID = "0b5e9f0e-0000-4000-8000-000000000003"


def read(text: str) -> Any:
    """A document, read by the C parser where there is one: the whole is 2 MB."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The repository's declarations in a folder of their own, with the code that images are made from."""
    root = copied(tmp_path_factory.mktemp("render"))
    (root / "stacks/Pulumi.kind.yaml").write_text(f"config:\n  groundplan:stack-id: {STACK_ID}\n")
    return Checkout(root, "kind")


@pytest.fixture(scope="module")
def result(checkout: Checkout) -> Rendered:
    stack, projects = load(checkout.root, "kind")
    return render.objects_of(checkout, stack, build_plan(stack, projects))


@pytest.fixture(scope="module")
def texts(result: Rendered) -> dict[str, str]:
    return render.documents(result, "kind")


@pytest.fixture(scope="module")
def applied(checkout: Checkout) -> list[dict[str, Any]]:
    """The objects that the engine would get, taken down by other means than the command's."""
    stack, projects = load(checkout.root, "kind")

    def program() -> None:
        pulumi.runtime.set_config("groundplan:stack-id", STACK_ID)
        deploy(stack, build_plan(stack, projects), checkout.root)

    recorder: Recorder = registered(program)
    return [each for title, each in recorder.objects.items() if recorder.types[title].startswith("kubernetes:")]


def test_rendered_and_applied_are_the_same_objects(texts: dict[str, str], applied: list[dict[str, Any]]) -> None:
    written = [read(text) for name, text in texts.items() if name != "kustomization.yaml"]
    expected = {file_name(each): _whole(each) for each in applied if each["kind"] != "Secret"}
    found = {file_name(each): each for each in written}
    assert found.keys() == expected.keys()
    differing = {name for name, each in found.items() if each != expected[name]}
    # The digest of a certificate that is not made yet: with it, its pods' one annotation differs.
    assert differing == {"deployment-groundplan-gateway.yaml"}
    gateway = expected["deployment-groundplan-gateway.yaml"]["spec"]["template"]["metadata"]
    assert gateway.pop("annotations").keys() == {"groundplan.dev/settings"}
    found["deployment-groundplan-gateway.yaml"]["spec"]["template"]["metadata"].pop("annotations")
    assert found == expected
    assert len(written) > 100


def _whole(value: Any) -> Any:
    """Numbers as they were declared: the engine's protocol has floats only."""
    return json.loads(json.dumps(value), parse_float=lambda text: int(float(text)) if text.endswith(".0") else text)


def test_no_secret_is_written_and_the_index_says_so(texts: dict[str, str], applied: list[dict[str, Any]]) -> None:
    found = [each["metadata"] for each in applied if each["kind"] == "Secret"]
    secrets = [f"{each['namespace']}/{each['name']}" for each in found]
    assert secrets
    assert not any("kind: Secret\n" in text or recorded.SECRET in text for text in texts.values())
    for name in secrets:
        assert f"#   Secret {name}\n" in texts["kustomization.yaml"]


def test_the_order_is_that_of_need_and_the_bytes_are_the_same_every_time(
    checkout: Checkout, texts: dict[str, str]
) -> None:
    files = read(texts["kustomization.yaml"])["resources"]
    assert sorted(files) == sorted(set(texts) - {"kustomization.yaml"})
    kinds = [read(texts[name])["kind"] for name in files]
    ranks = [ORDER.index(kind) if kind in ORDER else len(ORDER) for kind in kinds]
    assert ranks == sorted(ranks)
    stack, projects = load(checkout.root, "kind")
    assert render.documents(render.objects_of(checkout, stack, build_plan(stack, projects)), "kind") == texts


def test_what_a_stack_brings_into_its_cluster_is_written_too(checkout: Checkout) -> None:
    declared, projects = load(checkout.root, "kind")
    ingress = {"host": "ml.example.org", "api": "gateway", "class_name": "envoy", "issuer": "ml"}
    changed = {"cluster": {"ingress": ingress}, "security": {"certificates": {}}}
    stack = StackSpec.model_validate({**declared.model_dump(exclude_unset=True), **changed})
    found = render.objects_of(checkout, stack, build_plan(stack, projects))
    assert {
        "customresourcedefinition-envoyproxies.gateway.envoyproxy.io.yaml",
        "deployment-groundplan-envoy-gateway.yaml",
        "gatewayclass-envoy.yaml",
        "role-cert-manager-cert-manager-leaderelection.yaml",
        "clusterissuer-ml.yaml",
    } <= set(found.files)
    assert {"Secret groundplan/envoy", "Secret groundplan/envoy-gateway"} <= set(found.left_out)


def test_the_command_writes_replaces_and_checks(
    checkout: Checkout, result: Rendered, texts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout.root)
    # What the program registers is not asked four times over: the test above is about that.
    monkeypatch.setattr(render, "objects_of", lambda *_: result)
    runner = CliRunner()
    folder = checkout.root / "rendered/kind"
    assert runner.invoke(render.app, ["kind"]).exit_code == 0
    assert {path.name: path.read_text() for path in folder.iterdir()} == texts
    (folder / "role-stale.yaml").write_text("x")
    stale = runner.invoke(render.app, ["kind", "--check"])
    assert isinstance(stale.exception, GroundplanError)
    assert "role-stale.yaml" in str(stale.exception)
    assert runner.invoke(render.app, ["kind"]).exit_code == 0
    assert not (folder / "role-stale.yaml").exists()
    assert runner.invoke(render.app, ["kind", "--check"]).exit_code == 0


def test_a_folder_of_somebody_elses_is_left_alone(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout.root)
    result = CliRunner().invoke(render.app, ["kind", "--out", "projects"])
    assert isinstance(result.exception, Refused)
    assert (checkout.root / "projects/flights/project.yaml").exists()


def test_a_stack_without_a_cluster_has_nothing_to_render(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout.root)
    result = CliRunner().invoke(render.app, ["local"])
    assert str(result.exception) == (
        "stacks/local.yaml: target: local has no Kubernetes side to render; allowed: kind, kubernetes, aws"
    )


SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "door", "namespace": "core", "labels": {"a": "b"}},
    "data": {"password": "b3Blbg=="},
    "stringData": {"user": "ana"},
}


def test_with_a_store_an_external_secret_stands_for_each() -> None:
    made = external_secret(SECRET, "kind", "vault")
    assert made["metadata"] == {"name": "door", "namespace": "core", "labels": {"a": "b"}}
    assert made["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}
    assert made["spec"]["data"][0] == {
        "secretKey": "password",
        "remoteRef": {"key": "kind/core/door", "property": "password"},
    }
    assert "b3Blbg" not in json.dumps(made)
    result = rendered([SECRET], "kind", "vault")
    assert list(result.files) == ["externalsecret-core-door.yaml"]
    assert result.left_out == ()
    assert index(result)["resources"] == ["externalsecret-core-door.yaml"]


def test_two_objects_of_one_name_are_refused() -> None:
    thing = {"kind": "ConfigMap", "metadata": {"name": "x", "namespace": "core"}}
    with pytest.raises(ValueError, match="two objects are called ConfigMap core/x"):
        rendered([thing, thing], "kind", None)


def test_what_is_only_known_later_is_found() -> None:
    assert later({"a": [{"b": "x"}, {"c": "mark:y"}]}, "mark:") == ["a.1.c"]
    assert later({"a": 1, "b": "x"}, "mark:") == []


def test_a_secret_outside_of_a_secret_is_refused(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    stack, projects = load(checkout.root, "kind")

    def leaking(*_: Any) -> None:
        import pulumi_kubernetes as k8s  # noqa: PLC0415

        k8s.core.v1.ConfigMap(
            "leak", metadata={"name": "leak", "namespace": "core"}, data={"password": pulumi.Output.secret("x")}
        )

    monkeypatch.setattr("groundplan_components.deploy.deploy", leaking)
    with pytest.raises(Refused, match="ConfigMap core/leak holds a secret"):
        render.objects_of(checkout, stack, build_plan(stack, projects))
