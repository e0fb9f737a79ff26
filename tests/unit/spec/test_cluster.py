"""Mistakes in what a stack says of its cluster: each is told with its place, its value and what is allowed."""

from typing import Any

import pytest
from pydantic import ValidationError

from groundplan.compose.wording import allowed_of, what_of
from groundplan.spec import StackSpec, in_stack
from groundplan.spec.cluster import HOST_PORTS, NODE_PORTS


def stack(**values: Any) -> StackSpec:
    return StackSpec.model_validate({"name": "kind", "target": "kind", **values})


def _parts(**parts: Any) -> dict[str, Any]:
    return {"cluster": {"parts": parts}}


def _entered(**ingress: Any) -> dict[str, Any]:
    return {"cluster": {"ingress": {"host": "ml.example.org", **ingress}}}


def test_a_kind_cluster_is_entered_by_the_gateway_api() -> None:
    assert list(in_stack(stack(**_entered(api="gateway")))) == []
    issued = _entered(api="gateway", issuer="ml", tls_secret="x") | {"security": {"certificates": {}}}
    assert list(in_stack(stack(**issued))) == []


def test_the_stacks_of_before_are_as_they_were() -> None:
    local = StackSpec.model_validate({"name": "local", "target": "local"})
    assert list(in_stack(local)) == []
    assert list(in_stack(stack())) == []


@pytest.mark.parametrize(
    ("values", "path", "says"),
    [
        ({"target": "kubernetes"}, ("kubernetes",), "names no context"),
        (
            {"target": "kubernetes", "kubernetes": {"context": "x"}},
            ("cluster",),
            "says not how the platform is reached",
        ),
        ({"kind": {"ports": {"serve": 15443}}}, ("kind", "ports"), "gateway and serve are on one port"),
        (
            {"cluster": {"parts": {"database": {"replicas": 2}}}},
            ("cluster", "parts", "database", "replicas"),
            "runs once",
        ),
        (
            _parts(mlflow={"memory_mb": 2048, "memory_limit_mb": 1024}),
            ("cluster", "parts", "mlflow", "memory_limit_mb"),
            "less than what is asked for",
        ),
        (
            _parts(database={"scale": {"max": 3}}),
            ("cluster", "parts", "database", "scale"),
            "runs once",
        ),
        (
            _parts(ray_head={"right_size": "apply"}),
            ("cluster", "parts", "ray_head", "right_size"),
            "not sized by an autoscaler",
        ),
        (
            _parts(gateway={"replicas": 4, "scale": {"max": 4}}),
            ("cluster", "parts", "gateway", "scale", "max"),
            "no more than replicas",
        ),
        (
            _parts(mlflow={"right_size": "apply", "scale": {"max": 4}}),
            ("cluster", "parts", "mlflow", "right_size"),
            "requests that scale is measured against",
        ),
        (
            _parts(ray_worker={"replicas": 3}),
            ("cluster", "parts", "ray_worker", "replicas"),
            "is said elsewhere",
        ),
        (
            {"cluster": {"ray_workers": {"gpu": {"min": 3, "max": 2}}}},
            ("cluster", "ray_workers", "gpu", "min"),
            "more than",
        ),
        (
            {"cluster": {"images": {"pins": {"grafana": "docker.io/grafana/grafana:latest"}}}},
            ("cluster", "images", "pins", "grafana"),
            "another image tomorrow",
        ),
        (_entered(), ("cluster", "ingress", "api"), "ingress-nginx, is retired"),
        (_entered(api="gateway", tls_secret="x"), ("cluster", "ingress", "tls_secret"), "before the cluster is"),
        (
            {**_entered(api="gateway", issuer="ml"), "security": {"certificates": {"acme_email": "ops@example.org"}}},
            ("security", "certificates", "acme_email"),
            "reach this machine",
        ),
        (_parts(proxy={"scale": {"max": 3}}), ("cluster", "parts", "proxy", "scale"), "not sized by an autoscaler"),
        ({"target": "aws"}, ("aws",), "is required by target aws"),
    ],
)
def test_a_mistake_that_types_cannot_express(values: dict[str, Any], path: tuple[str, ...], says: str) -> None:
    [found] = [each for each in in_stack(stack(**values)) if each.path == path]
    assert says in found.what
    assert found.fix or found.allowed


@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        ({"kind": {"version": "1.34"}}, "a Kubernetes version, as in 1.34.0"),
        ({"kind": {"host": "localhost"}}, "an IPv4 address"),
        ({"kind": {"memory_mb": 512}}, "at least 2048"),
        ({"kind": {"ports": {"gateway": 443}}}, "at least 1024"),
        ({"cluster": {"namespace": "My_Space"}}, "lower-case letters, digits and hyphens"),
        ({"cluster": {"namespace_prefix": "ml"}}, "ending in a hyphen"),
        ({"cluster": {"images": {"registry": "https://ghcr.io/x"}}}, "without a scheme"),
        ({"cluster": {"images": {"pins": {"runtime": "ghcr.io/x/runtime"}}}}, "name:tag or name@sha256"),
        ({"cluster": {"backup": {"schedule": "daily"}}}, "five fields of a cron line"),
        ({"cluster": {"ingress": {"host": "https://ml.example.org"}}}, "a host name"),
        ({"kubernetes": {"kubeconfig": "$(cat x)"}}, "a path, as in ~/.kube/config"),
        ({"cluster": {"parts": {"databse": {}}}}, "database"),
    ],
)
def test_a_value_that_is_not_written_as_it_must_be(values: dict[str, Any], allowed: str) -> None:
    with pytest.raises(ValidationError) as caught:
        stack(**values)
    [error] = caught.value.errors()
    assert what_of(error)
    assert allowed in (allowed_of(error) or "")


def test_every_door_has_a_port_on_both_sides() -> None:
    assert HOST_PORTS.keys() == NODE_PORTS.keys()
    assert len(set(HOST_PORTS.values())) == len(set(NODE_PORTS.values())) == len(HOST_PORTS)
    assert all(30000 <= port <= 32767 for port in NODE_PORTS.values())
