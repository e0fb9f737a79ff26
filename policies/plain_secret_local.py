"""Refuses a secret written into the environment of a local process."""

from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from groundplan.rules.identity import is_secret


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != "groundplan:local:Service":
        return
    for name, value in (args.props.get("environment") or {}).items():
        if is_secret(name) and value:
            report(f"environment {name}: everybody who may list processes reads it; fix: a file of secrets_dir")


POLICY = ResourceValidationPolicy(
    name="plain-secret-local",
    description="Secrets of local services are files that only their user reads.",
    validate=_validate,
)
