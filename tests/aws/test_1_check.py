"""Tier 2: the real terraform-provider-aws takes everything that we register, and sees mistakes that mocks do not."""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from groundplan.spec.aws import EksSpec, NetworkSpec, NodeGroupSpec
from tests.support.aws.judge import Judge
from tests.support.aws.registrations import Registration, collect, example
from tests.support.aws.types import TYPES


def test_every_type_is_one_that_the_provider_is_asked_about(prod: list[Registration]) -> None:
    assert {each.type for each in prod} - TYPES.keys() == set()


def test_the_provider_takes_all_of_it(judged: Judge, prod: list[Registration]) -> None:
    assert len(prod) > 200
    assert [reason for each in prod for reason in judged.refusals(each)] == []


@pytest.mark.parametrize("variant", ["public", "one-nat", "arm"])
def test_and_of_other_declarations(judged: Judge, variant: str) -> None:
    stack, _ = example()
    assert stack.aws is not None
    groups = {"general": NodeGroupSpec(instances=("m7g.large",), min=2, max=3)}
    changes: dict[str, dict[str, Any]] = {
        "public": {"eks": EksSpec(endpoint="public", deployers=("198.51.100.7/32",), admins=stack.aws.eks.admins)},
        "one-nat": {"network": NetworkSpec(nat="one", endpoints=()), "door": None},
        "arm": {"eks": stack.aws.eks.model_copy(update={"node_groups": groups, "version": "1.33"})},
    }
    declared = [each for each in collect(*example(**changes[variant])) if each.type.startswith("aws:")]
    assert [reason for each in declared for reason in judged.refusals(each)] == []


def _policy(inputs: dict[str, Any]) -> None:
    inputs["policy"] = json.dumps(json.loads(inputs["policy"]))[:-1]


#: A mistake each: the resource, what is done to it, what the provider says of it.
FAULTS: list[tuple[str, str, Callable[[dict[str, Any]], None], str]] = [
    ("Vpc", "vpc", lambda i: i.update(cidrBlock="10.40.0.0/33"), "(?i)invalid CIDR"),
    ("NodeGroup", "gpu-nodes", lambda i: i.update(amiType="AL2023_X86_64_NVIDIA"), "ami_?type"),
    ("NodeGroup", "gpu-nodes", lambda i: i["taints"][0].update(effect="NoSchedule"), "effect"),
    ("NodeGroup", "general-nodes", lambda i: i["scalingConfig"].update(minimum=1), "scalingConfig.minimum"),
    ("RolePolicy", "flights-train-delay-policy", _policy, "JSON"),
    ("Instance", "database", lambda i: i.update(manageMasterUserPassword=True), "(?i)conflicts"),
    ("ReplicationGroup", "cache", lambda i: i.update(replicationGroupId="x" * 41), "(?i)length|1 and 40"),
    (
        "BucketServerSideEncryptionConfiguration",
        "data",
        lambda i: i["rules"][0]["applyServerSideEncryptionByDefault"].update(sseAlgorithm="aws:kmss"),
        "(?i)sse_?algorithm",
    ),
]


@pytest.mark.parametrize(("kind", "name", "fault", "says"), FAULTS, ids=[f"{k}-{n}-{s}" for k, n, _, s in FAULTS])
def test_it_sees_every_seeded_fault(
    judged: Judge, prod: list[Registration], kind: str, name: str, fault: Callable[[dict[str, Any]], None], says: str
) -> None:
    [found] = [each for each in prod if each.type.endswith(f":{kind}") and each.name == name]
    assert judged.refusals(found) == []
    inputs = copy.deepcopy(dict(found.inputs))
    fault(inputs)
    refusals = judged.refusals(replace(found, inputs=inputs))
    assert refusals
    assert any(re.search(says, reason) for reason in refusals), refusals
