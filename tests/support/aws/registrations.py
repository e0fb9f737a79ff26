"""What the program would register on AWS, collected by mocks: no engine, no account, no network."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks

from groundplan.compose import load
from groundplan.plan import Plan, build_plan
from groundplan.spec import StackSpec
from groundplan_components.aws.infrastructure import declare
from groundplan_components.aws.provider import main_provider
from groundplan_components.aws.site import Site

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("online-store", "online-store-reader", "database-admin", "database-mlflow", "database-feast",
         "database-feast-reader", "database-controlplane", "database-identity")  # fmt: skip
SECRETS = {name: f"a-password-of-sixteen-{number}" for number, name in enumerate(NAMES)}
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Registration:
    """One resource as the engine would get it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool
    retained: bool
    parent: str
    #: Type and name of what is made before it, and goes after it.
    needs: frozenset[tuple[str, str]]


@dataclass
class Answers(mocks.Mocks):
    """Every resource is there, with outputs that look like AWS's."""

    seen: list[mocks.MockResourceArgs] = field(default_factory=list)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        kind = args.typ.rsplit(":", 1)[-1]
        if not args.typ.startswith("aws:"):
            return f"{args.name}-id", {**args.inputs, **OWN}
        id, arn = made(args.typ, args.name)
        return id, {**args.inputs, "arn": arn, **OUTPUTS.get(kind, {})}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return {}, None


def made(type: str, name: str) -> tuple[str, str]:
    """Return the id and the ARN of a resource of AWS: of each another one, so that it is seen who names whom."""
    kind = type.rsplit(":", 1)[-1]
    digest = hashlib.sha256(f"{type} {name}".encode()).hexdigest()[:8]
    return f"{IDS.get(kind, kind.lower())}-0{digest}", f"arn:aws:x:eu-central-1:{ACCOUNT}:{kind}/{name}"


#: Outputs of our own resources: secrets, the gateway's certificate.
OWN = {"value": "a_secret-of-sixteen_", "chain": "chain", "key": "key", "ca": "ca"}
IDS = {"Vpc": "vpc", "Subnet": "subnet", "SecurityGroup": "sg", "RouteTable": "rtb", "LaunchTemplate": "lt"}
PROOF = {"resourceRecordName": "_a.example.org", "resourceRecordType": "CNAME", "resourceRecordValue": "_b.x"}
OUTPUTS: dict[str, dict[str, Any]] = {
    "Key": {"keyId": "1234abcd-12ab-34cd-56ef-1234567890ab"},
    "Cluster": {
        "endpoint": "https://ABC.gr7.eu-central-1.eks.amazonaws.com",
        "certificateAuthority": {"data": "Q0E="},
        "vpcConfig": {"clusterSecurityGroupId": "sg-0123456789abcdef0"},
        "identities": [{"oidcs": [{"issuer": "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC"}]}],
    },
    "NodeGroup": {"resources": [{"autoscalingGroups": [{"name": "eks-group"}]}]},
    "LaunchTemplate": {"latestVersion": 1},
    "Instance": {
        "address": "database.eu-central-1.rds.amazonaws.com",
        "masterUserSecrets": [{"secretArn": f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:rds"}],
    },
    "ReplicationGroup": {"primaryEndpointAddress": "cache.eu-central-1.amazonaws.com"},
    "ProxyDefaultTargetGroup": {"name": "default"},
    "Proxy": {"endpoint": "database.proxy-abc.eu-central-1.rds.amazonaws.com"},
    "Repository": {"repositoryUrl": f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/groundplan"},
    "Certificate": {
        "domainValidationOptions": [
            {"domainName": "ml.example.org", **PROOF},
            {"domainName": "api.ml.example.org", **PROOF},
        ]
    },
    "Record": {"fqdn": "_a.example.org"},
    "LoadBalancer": {"dnsName": "door.eu-central-1.elb.amazonaws.com", "zoneId": "Z215JYRZR1TBD5"},
}


class Recorder(mocks.MockMonitor):
    """Keeps every registration with its options."""

    def __init__(self) -> None:
        super().__init__(Answers())
        self.requests: list[Any] = []

    def RegisterResource(self, request: Any) -> Any:
        self.requests.append(request)
        return super().RegisterResource(request)


def collect(stack: StackSpec, plan: Plan, more: Callable[[], None] | None = None) -> list[Registration]:
    """Return every resource of a stack's infrastructure, in the order of registration."""
    assert stack.aws is not None
    site = Site(stack.name, stack.protection.keep_data, stack.aws)
    recorder = Recorder()
    mocks.set_mocks(Answers(), project="groundplan", stack=stack.name, monitor=recorder)

    def program() -> None:
        declare(site, stack.cost, plan, main_provider(site), SECRETS)
        if more:
            more()

    pulumi.runtime.test(program)()
    return [registration(each) for each in recorder.requests if each.type != "pulumi:pulumi:Stack"]


def example(env: str = "prod", **change: Any) -> tuple[StackSpec, Plan]:
    """Return a stack of the repository and its plan, with parts of its AWS declaration changed."""
    stack, projects = load(ROOT, env)
    if change:
        assert stack.aws is not None
        stack = stack.model_copy(update={"aws": stack.aws.model_copy(update=change)})
    return stack, build_plan(stack, projects)


def registration(request: Any) -> Registration:
    """Return a registration from the request that the engine would get."""
    inputs = pulumi.runtime.rpc.deserialize_properties(request.object, keep_unknowns=True)
    plain = _plain(inputs)
    ends = (urn.rsplit("::", 2)[1:] for urn in request.dependencies)
    needs = frozenset((kind.rsplit("$", 1)[-1], name) for kind, name in ends)
    protect, retained = bool(request.protect), bool(request.retainOnDelete)
    return Registration(request.type, request.name, plain, protect, retained, request.parent, needs)


def _plain(value: Any) -> Any:
    """Return a value without the marks of secrets and outputs."""
    if isinstance(value, Mapping):
        inner = value.get("value")
        if "4dabf18193072939515e22adb298388d" in value and "value" in value:
            return _plain(inner)
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
