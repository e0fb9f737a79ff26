"""Tier 4: rules of others on what we register. No finding without a reason that is written here."""

import fnmatch

import pytest

from tests.support.aws.findings import findings
from tests.support.aws.registrations import Registration
from tests.support.aws.skipping import needs

pytestmark = pytest.mark.slow

#: (rule, resource pattern) → why it is as it is.
TEMPLATE = "its launch template says so: encrypted disk, IMDSv2, a role, monitoring, EBS-optimized"
REASONS: dict[tuple[str, str], str] = {
    ("CKV_AWS_8", "*.runner"): TEMPLATE,
    ("CKV_AWS_79", "*.runner"): TEMPLATE,
    ("CKV_AWS_126", "*.runner"): TEMPLATE,
    ("CKV_AWS_135", "*.runner"): TEMPLATE,
    ("CKV2_AWS_41", "*.runner"): TEMPLATE,
    ("CKV2_AWS_15", "aws_autoscaling_attachment.*"): "the groups are EKS' own: it replaces nodes that are not ready",
    ("CKV2_AWS_23", "aws_route53_record.*"): "an alias of the balancer, which it names by its DNS name",
    ("CKV2_AWS_30", "aws_db_instance.database"): "statements above a second are logged; all would be people's values",
    ("CKV2_AWS_5", "*.proxy-group"): "RDS Proxy carries it, which the rule does not know",
    ("CKV2_AWS_57", "aws_secretsmanager_secret.*"): "the stack gives passwords, to the proxy and to pods: by the state",
    ("CKV2_AWS_62", "aws_s3_bucket.*"): "nobody listens: the control plane knows what it writes",
    ("CKV_AWS_144", "aws_s3_bucket.logs"): "access logs are not worth a second region",
    ("CKV_AWS_144", "aws_s3_bucket.locked"): "seals of the audit trail, which is in the database and its backups",
    ("CKV_AWS_145", "aws_s3_bucket.logs"): "S3 delivers access logs only to buckets with keys of its own (SSE-S3)",
    (
        "CKV_AWS_18",
        "aws_s3_bucket.replica",
    ): "access logs go to a bucket of the same region only; nobody reads the copy",
    ("CKV_AWS_150", "*.door"): "it keeps nothing, and `destroy` has to be able to remove it",
    ("CKV_AWS_157", "*.database-replica"): "a copy of a database that is Multi-AZ",
    ("CKV_AWS_233", "*.door"): "Pulumi makes the new one first unless told otherwise",
    ("CKV_AWS_338", "*-group"): "90 and 30 days, for finding faults; who did what is in the audit trail",
    (
        "CKV_AWS_378",
        "aws_lb_target_group.controlplane",
    ): "TLS ends at the balancer: the control plane speaks HTTP in the VPC",
}


def test_every_finding_has_a_reason(prod: list[Registration]) -> None:
    with needs("checkov"):
        passed, failed = findings(prod)
    assert passed > 300
    without = [each for each in failed if not _reason(each.rule, each.resource)]
    assert without == []


def test_every_reason_is_needed(prod: list[Registration]) -> None:
    """A reason that no finding has is a rule that is met now: it goes."""
    with needs("checkov"):
        _, failed = findings(prod)
    used = {key for key in REASONS for each in failed if each.rule == key[0] and fnmatch.fnmatch(each.resource, key[1])}
    assert REASONS.keys() - used == set()


def _reason(rule: str, resource: str) -> str | None:
    return next((why for (id, name), why in REASONS.items() if id == rule and fnmatch.fnmatch(resource, name)), None)
