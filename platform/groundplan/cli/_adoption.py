"""Resources of AWS that a killed engine was creating: whether they were made is found by their names.

What creates ours and Kubernetes' objects adopts what is there; AWS refuses a name that is taken. So what AWS names as
it was declared is put into the state under that name, and the look that an `up` begins with says whether it is there.
Ids: the "Import" section of each resource's page in the Terraform provider's documentation.
"""

from collections.abc import Mapping, Sequence
from typing import Any

#: Type → its id, of what was declared.
IDS = {
    "aws:cloudwatch/logGroup:LogGroup": "{name}",
    "aws:ecr/repository:Repository": "{name}",
    "aws:eks/accessEntry:AccessEntry": "{clusterName}:{principalArn}",
    "aws:eks/addon:Addon": "{clusterName}:{addonName}",
    "aws:eks/cluster:Cluster": "{name}",
    "aws:eks/nodeGroup:NodeGroup": "{clusterName}:{nodeGroupName}",
    "aws:elasticache/parameterGroup:ParameterGroup": "{name}",
    "aws:elasticache/replicationGroup:ReplicationGroup": "{replicationGroupId}",
    "aws:elasticache/subnetGroup:SubnetGroup": "{name}",
    "aws:elasticache/user:User": "{userId}",
    "aws:elasticache/userGroup:UserGroup": "{userGroupId}",
    "aws:iam/instanceProfile:InstanceProfile": "{name}",
    "aws:iam/role:Role": "{name}",
    "aws:iam/rolePolicy:RolePolicy": "{role}:{name}",
    "aws:kms/alias:Alias": "{name}",
    "aws:rds/instance:Instance": "{identifier}",
    "aws:rds/parameterGroup:ParameterGroup": "{name}",
    "aws:rds/proxy:Proxy": "{name}",
    "aws:rds/subnetGroup:SubnetGroup": "{name}",
    "aws:s3/bucket:Bucket": "{bucket}",
}
#: Their creation overwrites what is there.
OVERWRITE = (
    "aws:ecr/lifecyclePolicy:",
    "aws:eks/accessPolicyAssociation:",
    "aws:iam/rolePolicyAttachment:",
    "aws:s3/bucket",
)


def settle(deployment: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Take the unfinished creations out of an exported deployment.

    Returns the names of those that are adopted, if they are there, and of those of AWS of which nothing is known.
    """
    operations = deployment.get("pending_operations", [])
    created = [op["resource"] for op in operations if op["type"] == "creating"]
    deployment["pending_operations"] = [op for op in operations if op["type"] != "creating"]
    resources = deployment.get("resources", [])
    known = {each["urn"] for each in resources}
    looked_for = [each | {"id": id} for each in created if each["urn"] not in known and (id := _id_of(each))]
    deployment["resources"] = [*resources, *looked_for]
    adopted = [each for each in created if _is_adopted(each["type"])]
    return _names(adopted), _names([each for each in created if not _is_adopted(each["type"])])


def _id_of(resource: Mapping[str, Any]) -> str | None:
    form = IDS.get(resource["type"])
    return form.format_map(resource["inputs"]) if form else None


def _is_adopted(type: str) -> bool:
    return not type.startswith("aws:") or type in IDS or type.startswith(OVERWRITE)


def _names(resources: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({each["urn"].rsplit("::", 1)[1] for each in resources})
