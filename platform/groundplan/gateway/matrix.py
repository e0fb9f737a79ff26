"""The table of access rules as a page: ``docs/access.md`` is what this writes, and a test says so."""

import sys

from groundplan.spec.access import INHERITS, LIMITS, RULES, Rule

HEAD = """# Who may do what

Made from `platform/groundplan/spec/access.py`; do not edit (`python -m groundplan.gateway.matrix > docs/access.md`).
The gateway's configuration is made from the same table, and `tests/runtime/gateway` asks the running gateway for every
row, every role, the own and another project. What no row allows is denied.

A role is granted in `stacks/<env>.yaml` to a group, in projects or in `all`:

    access:
      - {group: flights_engineers, role: ml_engineer, projects: [flights]}

**Where** a role must be held: *project*: in the project of the path, or in all; *any*: in some project (the answer
holds what one may see); *all*: only a grant with `projects: all` counts; *open*: no token is needed.

**Personal data** ([personal-data.md](personal-data.md)) needs `personal_data: true` in a grant beside the role, which
no role gives: *application*: in the project, of an application that reads personal data; *project*: in a
project that holds any; *anything*: in every project that holds any, since what answers knows no projects. The control
plane judges its own answers.

"""

LIMITS_HEAD = """## Limits

Per caller (their `sub`; before sign-in their address) and per route; bursts of twice as many. Beyond: `429` with
`Retry-After`. Larger bodies: `413`.

| kind | requests/s of a caller | of all | body, MiB | timeout, s | routes |
|---|---|---|---|---|---|"""


def page() -> str:
    """Return the page."""
    return HEAD + _rules() + _roles() + _limits()


def _rules() -> str:
    marks = "".join(f" {role} |" for role in INHERITS)
    lines = [f"| | route | where | personal data |{marks}", f"|---|---|---|---|{'---|' * len(INHERITS)}"]
    return "\n".join([*lines, *map(_row, RULES)]) + "\n\n"


def _row(rule: Rule) -> str:
    where = {"stack": "all"}.get(rule.scope, rule.scope)
    held = "".join(" ✓ |" if rule.scope == "open" or role in rule.roles else " |" for role in INHERITS)
    return f"| {rule.about} | `{' '.join(rule.methods)}` `{rule.path}` | {where} | {rule.reveals} |{held}"


def _roles() -> str:
    lines = [f"- `{role}`" + (f": also all of {', '.join(f'`{r}`' for r in more)}" if more else "")
             for role, more in INHERITS.items()]  # fmt: skip
    return "## Roles\n\n" + "\n".join(lines) + "\n\n"


def _limits() -> str:
    lines = [LIMITS_HEAD]
    for name, limit in LIMITS.items():
        routes = ", ".join(rule.name for rule in RULES if rule.limit == name)
        lines.append(f"| {name} | {limit.client} | {limit.route} | {limit.body} | {limit.timeout} | {routes} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
