"""Warns of a model that is compared with nothing: no metric tells whether it is worth serving."""

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == "groundplan:ml:Model" and not args.props.get("baseline"):
        report(
            "no gate can ask whether it beats a naive forecast; "
            f"fix: training.{args.props.get('name')}.baseline: a feature that is one"
        )


POLICY = ResourceValidationPolicy(
    name="model-without-baseline",
    description="A model names the naive forecast that it has to beat.",
    validate=_validate,
    enforcement_level=EnforcementLevel.ADVISORY,
)
