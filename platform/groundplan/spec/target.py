"""Whether a stack declares what its target needs, and nothing that belongs to another."""

from collections.abc import Iterator

from groundplan.spec.aws_rules import aws_findings
from groundplan.spec.finding import Finding
from groundplan.spec.stack import StackSpec


def target_findings(stack: StackSpec) -> Iterator[Finding]:
    """Yield the mistakes in what a stack says about its target."""
    if stack.target == "aws" and stack.aws is None:
        yield Finding(("aws",), "is required by target aws", fix="add aws: {region: …, account: …} (docs/aws.md)")
    if stack.aws and stack.target != "aws":
        yield Finding(("aws",), f"does not belong to target {stack.target}", fix="remove it, or target: aws")
    if stack.aws:
        yield from aws_findings(stack.aws)
