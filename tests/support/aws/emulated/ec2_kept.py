"""What MiniStack's EC2 forgets of what it was told: of flow logs, and of endpoints."""

import re
from typing import Any

from ministack.services import ec2  # type: ignore[import-not-found]

logged, described, opened, shown = (
    ec2._create_flow_logs, ec2._describe_flow_logs, ec2._create_vpc_endpoint, ec2._vpce_fields_xml,
)  # fmt: skip


def log(told: dict[str, Any]) -> Any:
    """Make a flow log with its role, interval and tags."""
    known = set(ec2._flow_logs)
    answer = logged(told)
    for name in set(ec2._flow_logs) - known:
        more = {
            "deliverLogsPermissionArn": ec2._p(told, "DeliverLogsPermissionArn"),
            "maxAggregationInterval": ec2._p(told, "MaxAggregationInterval", "600"),
        }
        ec2._flow_logs[name]["_more"] = "".join(f"<{key}>{value}</{key}>" for key, value in more.items())
        ec2._parse_tag_specs(told, "vpc-flow-log", name)
    return answer


def describe(told: dict[str, Any]) -> Any:
    """Tell of flow logs what was kept of them."""
    status, headers, body = described(told)

    def mended(found: re.Match[str]) -> str:
        return found[0] + str(ec2._flow_logs[found[1]].get("_more", ""))

    text = body.decode() if isinstance(body, bytes) else body
    return status, headers, re.sub(r"<flowLogId>([^<]+)</flowLogId>", mended, text).encode()


def endpoint(told: dict[str, Any]) -> Any:
    """Make an endpoint with its groups, known by the service's own name where that is told."""
    known = set(ec2._vpc_endpoints)
    answer = opened(told)
    for name in set(ec2._vpc_endpoints) - known:
        groups = ec2._parse_member_list(told, "SecurityGroupId")
        ec2._vpc_endpoints[name] |= {"_groups": groups, "_named": ec2._p(told, "PrivateDnsEnabled", "false")}
    return answer


def fields(found: dict[str, Any], tag: str = "item") -> str:
    """Write an endpoint with what was kept."""
    groups = "".join(f"<item><groupId>{each}</groupId></item>" for each in found.get("_groups", ()))
    more = f"<groupSet>{groups}</groupSet><privateDnsEnabled>{found.get('_named', 'false')}</privateDnsEnabled>"
    head, _, tail = str(shown(found, tag=tag)).rpartition(f"</{tag}>")
    return f"{head}{more}</{tag}>{tail}"


def mend() -> None:
    """Put this in the place of what MiniStack does."""
    ec2._vpce_fields_xml = fields
    for name, act in (("CreateFlowLogs", log), ("DescribeFlowLogs", describe), ("CreateVpcEndpoint", endpoint)):
        ec2._ACTION_MAP[name] = act
