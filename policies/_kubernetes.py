"""From a rule of ``groundplan.rules`` to a policy of this pack: the same question that the API server asks, sooner."""

from pulumi_policy import PolicyConfigSchema, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from groundplan.rules import SHAPES, Rule, Settings, allowed, applies, rule
from groundplan.rules.model import ADD_ONS

_TYPE = "kubernetes:"
_LIST = {"type": "array", "items": {"type": "string"}}


def kubernetes_policy(id: str) -> ResourceValidationPolicy:
    """Return the policy of a rule. What it depends on comes as its configuration (``groundplan preview`` writes it)."""
    asked = rule(id)
    return ResourceValidationPolicy(
        name=id,
        description=f"Refuses {asked.refuses}. {asked.why}",
        validate=lambda args, report: _validate(asked, args, report),
        config_schema=PolicyConfigSchema({"registries": _LIST, "images": _LIST, "platform": {"type": "string"}}),
        remediation_steps=asked.fix,
    )


def _validate(asked: Rule, args: ResourceValidationArgs, report: ReportViolation) -> None:
    kind = args.resource_type.rpartition(":")[2]
    if not args.resource_type.startswith(_TYPE) or not applies(asked, kind, SHAPES) or _add_on(args):
        return
    settings = _settings(args)
    if asked.id == "foreign-registry" and not settings.registries:
        args.not_applicable("no registries are configured")
    if not allowed(asked, args.props, kind, settings, SHAPES):
        report(f"{asked.refuses} is refused; fix: {asked.fix}")


def _add_on(args: ResourceValidationArgs) -> bool:
    """Whether an object belongs to what the cluster itself needs, in a namespace that no team has."""
    return (args.props.get("metadata") or {}).get("namespace") in ADD_ONS


def _settings(args: ResourceValidationArgs) -> Settings:
    given = args.get_config()
    return Settings(
        tuple(given.get("registries") or ()), given.get("platform") or "groundplan", tuple(given.get("images") or ())
    )
