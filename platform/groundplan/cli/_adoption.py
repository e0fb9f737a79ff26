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
    known = {each["urn"] for each in deployment.get("resources", [])}
    looked_for = [each | {"id": id} for each in created if each["urn"] not in known and (id := id_of(each))]
    if looked_for:
        deployment["resources"] = [*deployment.get("resources", []), *looked_for]
    unknown = [each for each in created if each["type"].startswith("aws:") and not _is_settled(each)]
    return _names([each for each in created if each not in unknown]), _names(unknown)


def id_of(resource: Mapping[str, Any]) -> str | None:
    """Return a resource's id in AWS, where it is made of what was declared."""
    form = IDS.get(resource["type"])
    return form.format_map(resource["inputs"]) if form else None


def _is_settled(resource: Mapping[str, Any]) -> bool:
    return resource["type"] in IDS or resource["type"].startswith(OVERWRITE)


def _names(resources: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({each["urn"].rsplit("::", 1)[1] for each in resources})
