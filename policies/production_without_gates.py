"""Warns of an alias ``production`` that follows the newest version through no gate."""

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != "groundplan:ml:Alias" or args.props.get("alias") != "production":
        return
    if args.props.get("follow") and not args.props.get("gates"):
        model = args.props.get("model")
        report(
            "whatever is trained next answers in production, however bad it is; "
            f"fix: training.{model}.aliases.production.gates: [{{metric: …, better_than: baseline}}]"
        )


POLICY = ResourceValidationPolicy(
    name="production-without-gates",
    description="An alias `production` that follows the newest version has a gate.",
    validate=_validate,
    enforcement_level=EnforcementLevel.ADVISORY,
)
