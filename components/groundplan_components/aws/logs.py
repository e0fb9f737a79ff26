"""Log groups in CloudWatch: encrypted, kept for as long as declared."""

import pulumi_aws as aws

from groundplan_components.aws.keys import Keys
from groundplan_components.aws.site import Part


def log_group(part: Part, name: str, path: str, days: int, keys: Keys) -> aws.cloudwatch.LogGroup:
    """Declare a log group as a child of ``part``."""
    return aws.cloudwatch.LogGroup(
        f"{name}-group",
        name=path,
        retention_in_days=days,
        kms_key_id=keys.cluster.arn,
        tags=part.site.tags(name, days),
        opts=part.child(),
    )
