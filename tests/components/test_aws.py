"""What is declared on AWS: closed, encrypted, tagged, least privilege, the same twice. No engine, no account."""

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest

pytest.importorskip("pulumi_aws", reason="SKIPPED: the extra `aws` is not installed: uv sync --extra aws")

from tests.support.aws.registrations import Registration, collect, example

from groundplan.spec.aws import AdoptSpec, EksSpec, NetworkSpec
from groundplan_runtime.isolation.online_user import COMMANDS

#: Types of AWS that have no tags.
UNTAGGED = {
    "AccessPolicyAssociation", "Alias", "Attachment", "BucketLifecycleConfiguration", "BucketLogging",
    "BucketObjectLockConfiguration", "BucketOwnershipControls", "BucketPolicy", "BucketPublicAccessBlock",
    "BucketReplicationConfig", "BucketServerSideEncryptionConfiguration", "BucketVersioning", "CertificateValidation",
    "LifecyclePolicy", "ProxyDefaultTargetGroup", "ProxyTarget", "Record", "RolePolicy", "RolePolicyAttachment",
    "RouteTableAssociation", "SecretVersion",
}  # fmt: skip
#: Types that hold data, and the input that says that it is encrypted.
ENCRYPTED = {
    "aws:rds/instance:Instance": "storageEncrypted",
    "aws:elasticache/replicationGroup:ReplicationGroup": "atRestEncryptionEnabled",
    "aws:cloudwatch/logGroup:LogGroup": "kmsKeyId",
    "aws:eks/cluster:Cluster": "encryptionConfig",
    "aws:ecr/repository:Repository": "encryptionConfigurations",
}


class Declared:
    """A stack's registrations, by type and name."""

    def __init__(self, **change: Any) -> None:
        self.all = collect(*example(**change))

    def of(self, kind: str) -> list[Registration]:
        return [each for each in self.all if each.type.rsplit(":", 1)[-1] == kind and each.type.startswith("aws:")]

    def one(self, kind: str, name: str) -> Registration:
        [found] = [each for each in self.of(kind) if each.name == name]
        return found

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement that allows something, of every policy of every role, key and bucket."""
        for each in self.all:
            if "policy" in each.inputs:
                for statement in json.loads(each.inputs["policy"]).get("Statement", []):
                    yield each.name, statement


@pytest.fixture(scope="module")
def prod() -> Declared:
    return Declared()


def test_it_declares_every_part(prod: Declared) -> None:
    parts = {each.type for each in prod.all if each.type.startswith("groundplan:aws:")}
    names = (
        "Addons Budget Buckets Cache Cluster Database Door Endpoints Identities Irsa Keys Network NodeGroups Proxy "
        "Registry Runner"
    )
    assert parts == {f"groundplan:aws:{name}" for name in names.split()}


def test_everything_is_tagged_with_stack_project_and_digest(prod: Declared) -> None:
    for each in prod.all:
        if each.type.startswith("aws:") and each.type.rsplit(":", 1)[-1] not in UNTAGGED:
            tags = each.inputs["tags"]
            assert {"Name", "groundplan:stack", "groundplan:project", "groundplan:digest"} <= tags.keys(), each.name
            assert tags["groundplan:stack"] == "prod"


def test_two_programs_register_the_same(prod: Declared) -> None:
    def seen(declared: Declared) -> dict[tuple[str, str, str], Any]:
        return {(each.parent, each.type, each.name): each for each in declared.all}

    assert seen(Declared()) == seen(prod)


def test_what_s3_ties_to_versioning_comes_after_it_and_goes_before_it(prod: Declared) -> None:
    """S3 turns versioning off under no lock and no replication: a destroy in another order would stop there."""
    versioning = "aws:s3/bucketVersioning:BucketVersioning"
    assert (versioning, "locked") in prod.one("BucketObjectLockConfiguration", "locked").needs
    assert {(versioning, "data"), (versioning, "replica")} <= prod.one("BucketReplicationConfig", "data").needs


def test_names_are_given_not_made_up(prod: Declared) -> None:
    """A name that the provider would make up is another one in every account, and on every ``up`` after a loss."""
    keys = ("name", "bucket", "identifier", "replicationGroupId", "nodeGroupName", "addonName")
    named = ("Role", "SecurityGroup", "Bucket", "Cluster", "NodeGroup", "Repository", "LoadBalancer", "LogGroup",
             "ParameterGroup", "SubnetGroup", "ReplicationGroup", "LaunchTemplate", "Alias", "TargetGroup")  # fmt: skip
    for kind in named:
        for each in prod.of(kind):
            assert any(key in each.inputs for key in keys), each.name
    databases = [each for each in prod.of("Instance") if each.type.startswith("aws:rds")]
    assert [each.inputs["identifier"] for each in databases] == [
        "groundplan-prod-database",
        "groundplan-prod-database-replica",
    ]


def test_data_is_encrypted_with_the_stacks_own_keys(prod: Declared) -> None:
    for each in prod.all:
        if each.type in ENCRYPTED:
            assert each.inputs.get(ENCRYPTED[each.type]), each.name
    for each in prod.of("BucketServerSideEncryptionConfiguration"):
        [rule] = each.inputs["rules"]
        algorithm = rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
        # S3's own log delivery cannot write with a key of ours.
        assert algorithm == ("AES256" if each.name == "logs" else "aws:kms")
    for each in prod.of("LaunchTemplate"):
        assert all(disk["ebs"]["encrypted"] == "true" for disk in each.inputs["blockDeviceMappings"])
    for each in prod.of("Key"):
        assert each.inputs["enableKeyRotation"]


def test_what_travels_is_encrypted(prod: Declared) -> None:
    cache = prod.one("ReplicationGroup", "cache").inputs
    assert cache["transitEncryptionEnabled"]
    assert cache["transitEncryptionMode"] == "required"
    assert cache["userGroupIds"]
    assert prod.one("Proxy", "database-proxy").inputs["requireTls"]
    parameters = {p["name"]: p["value"] for p in prod.one("ParameterGroup", "database").inputs["parameters"]}
    assert parameters["rds.force_ssl"] == "1"
    assert prod.one("Listener", "door").inputs["protocol"] == "HTTPS"
    for each in prod.of("BucketPolicy"):
        denied = [s for s in json.loads(each.inputs["policy"])["Statement"] if s["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [s["Condition"] for s in denied]


def test_every_bucket_is_versioned_closed_and_tidied(prod: Declared) -> None:
    buckets = {each.name for each in prod.of("Bucket")}
    assert buckets == {"data", "locked", "logs", "replica"}
    around = ("BucketVersioning", "BucketPublicAccessBlock", "BucketPolicy", "BucketLifecycleConfiguration")
    for kind in (*around, "BucketServerSideEncryptionConfiguration", "BucketOwnershipControls"):
        assert {each.name for each in prod.of(kind)} == buckets, kind
    for each in prod.of("BucketPublicAccessBlock"):
        switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        assert all(each.inputs[switch] for switch in switches)
    assert prod.one("Bucket", "data").inputs["bucket"] == "groundplan-prod-data-123456789012-eu-central-1"


def test_no_rule_lets_the_internet_in(prod: Declared) -> None:
    for each in prod.of("SecurityGroupIngressRule"):
        cidr = each.inputs.get("cidrIpv4")
        assert cidr is None or IPv4Network(cidr).prefixlen >= 8, each.name
        assert cidr or each.inputs["referencedSecurityGroupId"]
    assert not any("ingress" in each.inputs or "egress" in each.inputs for each in prod.of("SecurityGroup"))
    doors = ("database-", "cache-", "proxy-")
    data = [each for each in prod.of("SecurityGroupIngressRule") if each.name.startswith(doors)]
    assert [each.name for each in data if "cidrIpv4" in each.inputs] == []
    assert {each.name for each in data} == {"cache-from-nodes", "proxy-from-nodes", "database-from-proxy"}


def test_the_api_is_private_unless_it_is_restricted(prod: Declared) -> None:
    config = prod.one("Cluster", "cluster").inputs["vpcConfig"]
    assert config["endpointPrivateAccess"]
    assert not config["endpointPublicAccess"]
    stack, _ = example()
    assert stack.aws is not None
    given = EksSpec(endpoint="public", deployers=("198.51.100.7/32",), admins=stack.aws.eks.admins)
    config = Declared(eks=given).one("Cluster", "cluster").inputs["vpcConfig"]
    assert config["endpointPublicAccess"]
    assert config["publicAccessCidrs"] == ["198.51.100.7/32"]


def test_no_policy_allows_everything(prod: Declared) -> None:
    for name, statement in prod.statements():
        if statement["Effect"] == "Deny":
            continue
        assert "Principal" not in statement or statement["Principal"] != "*", name
        assert not any("*" in action for action in _list(statement["Action"])), (name, statement)
        if "Principal" not in statement:  # a key's own policy can name no other key
            assert "*" not in _list(statement["Resource"]), (name, statement)


def test_a_training_reads_what_feeds_it_and_nothing_else(prod: Declared) -> None:
    statements = json.loads(prod.one("RolePolicy", "flights-train-delay-policy").inputs["policy"])["Statement"]
    [read] = [s["Resource"] for s in statements if s["Action"] == ["s3:GetObject"]]
    views = ("carrier_delay", "origin_traffic", "origin_weather", "route_delay")
    expected = {"code/flights/*", "raw/flights/flights/*", *(f"features/flights/{view}/*" for view in views)}
    assert {each.split("/", 2)[2] for each in read} == expected
    [written] = [s["Resource"] for s in statements if "s3:PutObject" in s["Action"]]
    assert [each.split("/", 2)[2] for each in written] == ["results/flights/model/delay/*"]


def test_a_role_is_one_service_accounts_of_this_cluster(prod: Declared) -> None:
    trust = json.loads(prod.one("Role", "flights-train-delay-role").inputs["assumeRolePolicy"])["Statement"]
    conditions = trust[0]["Condition"]["StringEquals"]
    assert conditions["aws:RequestTag/kubernetes-service-account"] == ["flights-train-delay"]
    assert conditions["aws:RequestTag/kubernetes-namespace"] == "core"
    association = prod.one("PodIdentityAssociation", "flights-train-delay-identity").inputs
    assert association["serviceAccount"] == "flights-train-delay"


def test_a_projects_runs_become_its_own_workloads_alone(prod: Declared) -> None:
    role = prod.one("Role", "flights-run-role")
    conditions = json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]["Condition"]["StringEquals"]
    assert conditions["aws:RequestTag/kubernetes-namespace"] == "flights"  # each project a team of its own
    assert prod.one("PodIdentityAssociation", "flights-run-identity").inputs["namespace"] == "flights"
    statements = json.loads(prod.one("RolePolicy", "flights-run-policy").inputs["policy"])["Statement"]
    [become] = [s["Resource"] for s in statements if "sts:AssumeRole" in s["Action"]]
    assert [each.rpartition("/")[2] for each in become] == ["groundplan-prod-flights-*"]
    workload = json.loads(prod.one("Role", "flights-train-delay-role").inputs["assumeRolePolicy"])["Statement"]
    assert workload[1]["Principal"]["AWS"].endswith("Role/flights-run-role")
    ray = json.loads(prod.one("RolePolicy", "ray-policy").inputs["policy"])["Statement"]
    assert not any("sts:AssumeRole" in s["Action"] for s in ray)


def test_gpu_nodes_are_tainted_labelled_and_cost_nothing_at_rest(prod: Declared) -> None:
    gpu = prod.one("NodeGroup", "gpu-nodes").inputs
    assert gpu["amiType"] == "AL2023_x86_64_NVIDIA"
    assert gpu["taints"] == [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}]
    assert gpu["labels"]["nvidia.com/gpu.present"] == "true"
    assert gpu["scalingConfig"]["minSize"] == gpu["scalingConfig"]["desiredSize"] == 0
    assert prod.one("NodeGroup", "batch-nodes").inputs["capacityType"] == "SPOT"


def test_data_is_kept_and_the_database_protected(prod: Declared) -> None:
    database = prod.one("Instance", "database")
    assert database.protect
    assert database.inputs["deletionProtection"]
    assert not database.inputs["skipFinalSnapshot"]
    assert all(each.retained for kind in ("Bucket", "Key", "Repository") for each in prod.of(kind))
    assert not any(each.inputs["forceDestroy"] for each in prod.of("Bucket"))


def test_the_databases_password_is_kept_by_rds_unless_a_replica_forbids_it(prod: Declared) -> None:
    stack, _ = example()
    assert stack.aws is not None
    single = Declared(database=stack.aws.database.model_copy(update={"replica": False})).one("Instance", "database")
    assert single.inputs["manageMasterUserPassword"]
    assert "password" not in single.inputs
    assert "manageMasterUserPassword" not in prod.one("Instance", "database").inputs


def test_a_proxy_knows_every_user_and_is_the_only_way_to_the_database(prod: Declared) -> None:
    stack, _ = example()
    assert stack.aws is not None
    own = {each.name for each in prod.of("Secret") if each.type.startswith("aws:")}
    users = ("postgres", "mlflow", "feast", "feast_reader", "controlplane", "identity")
    assert own == {f"database-{user}" for user in users}
    assert len(prod.one("Proxy", "database-proxy").inputs["auths"]) == len(users)
    read = json.loads(prod.one("RolePolicy", "database-proxy-policy").inputs["policy"])["Statement"][0]
    assert sorted(read["Resource"]) == sorted(auth["secretArn"] for auth in _auths(prod))
    without = Declared(database=stack.aws.database.model_copy(update={"proxy": False}))
    assert without.of("Proxy") == without.of("SecretVersion") == []
    assert without.one("SecurityGroupIngressRule", "database-from-nodes")


def test_the_proxy_reads_the_administrators_secret_where_rds_keeps_it() -> None:
    stack, _ = example()
    assert stack.aws is not None
    single = Declared(database=stack.aws.database.model_copy(update={"replica": False}))
    assert "database-postgres" not in {each.name for each in single.of("Secret")}
    assert any("secret:rds" in auth["secretArn"] for auth in _auths(single))


def test_features_are_read_by_a_user_who_can_do_nothing_else(prod: Declared) -> None:
    users = {each.inputs["userName"]: each.inputs for each in prod.of("User")}
    assert users["default"]["accessString"] == "on ~* +@all"
    rules = users["feast_reader"]["accessString"].split()
    assert rules[:2] + [rule for rule in rules if rule.startswith("-")] == ["on", "%R~*", "-@all"]
    assert {rule for rule in rules if rule.startswith("+")} == set(COMMANDS)
    for each in users.values():
        assert each["authenticationMode"]["type"] == "password"
        assert len(each["authenticationMode"]["passwords"]) == 1
    assert len(prod.one("UserGroup", "cache").inputs["userIds"]) == 2


def test_a_role_by_the_clusters_issuer_is_one_service_accounts(prod: Declared) -> None:
    [trust] = json.loads(prod.one("Role", "irsa-dns").inputs["assumeRolePolicy"])["Statement"]
    issuer = "oidc.eks.eu-central-1.amazonaws.com/id/ABC"
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"]["StringEquals"] == {
        f"{issuer}:sub": "system:serviceaccount:kube-system:external-dns", f"{issuer}:aud": "sts.amazonaws.com",
    }  # fmt: skip
    stack, _ = example()
    assert stack.aws is not None
    none = Declared(eks=stack.aws.eks.model_copy(update={"irsa": {}}))
    assert none.of("OpenIdConnectProvider") == []


def test_an_adopted_vpc_is_not_touched() -> None:
    subnets = {zone: f"subnet-0123456{n}" for n, zone in enumerate(("euc1-az1", "euc1-az2"))}
    adopted = Declared(network=NetworkSpec(adopt=AdoptSpec(vpc="vpc-01234567", private_subnets=subnets)))
    for kind in ("Vpc", "Subnet", "RouteTable", "NatGateway", "InternetGateway", "VpcEndpoint"):
        assert adopted.of(kind) == []
    assert adopted.one("Cluster", "cluster").inputs["vpcConfig"]["subnetIds"] == list(subnets.values())


def test_one_way_out_or_one_a_zone(prod: Declared) -> None:
    assert len(prod.of("NatGateway")) == 3
    assert len(Declared(network=NetworkSpec(nat="one")).of("NatGateway")) == 1


def _auths(declared: Declared) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = declared.one("Proxy", "database-proxy").inputs["auths"]
    return found


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
