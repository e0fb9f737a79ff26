"""Who may do what: one table of role × method × route. The gateway's configuration, the documentation and the tests
are made from it. What no rule allows is denied.

A role is held in a project or, as ``*``, in all of them; a token says so as ``<project>:<role>``. Personal data needs
an attribute beside it, ``<project>:personal_data``, which no role gives.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from groundplan.spec.personal import sees

#: Role → the roles whose rights it has too.
INHERITS: dict[str, tuple[str, ...]] = {
    "viewer": (),
    "data_scientist": ("viewer",),
    "ml_engineer": ("data_scientist",),
    "approver": ("viewer",),
    "platform_admin": ("ml_engineer", "approver"),
}
#: Where a role must be held: nowhere (no token), in the path's project, in any project, or in all of them (``*``).
Scope = Literal["open", "project", "any", "stack"]
Upstream = Literal["identity", "controlplane", "mlflow", "feast", "ray", "serve"]
#: Whose personal data an answer may hold: nobody's; that of the path's application, if it reads any; that of the
#: path's project; anybody's.
Reveals = Literal["", "application", "project", "anything"]
ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: Methods that may be sent again when the answer was lost.
IDEMPOTENT = frozenset({"GET", "HEAD"})

#: One segment of a path as clients write it: `@` may come encoded, nothing else may.
_SEGMENT = r"(?:[A-Za-z0-9_.@~=+-]|%40)+"
_COLON = r"(?::|%3[Aa])"
_REST = r"(?:[A-Za-z0-9_.@~=+:-]|%40|%3[Aa])+"
#: What may follow: anything without an encoded slash, or anything.
_BELOW = {"/***": r"(?:/.*)?", "/**": r"(?:/(?:[^%]|%[013-9A-Fa-f][0-9A-Fa-f]|%2[0-9A-Ea-e])*)?"}
_PARTS = re.compile(r"\{(\w+)(\*?)\}|:|[^{:/]+|/")


@dataclass(frozen=True)
class Rule:
    """One row: whoever holds ``role``, or one that has its rights, may send ``methods`` to ``path``.

    ``path``: a template; ``{project}`` is the project it is about, ``{name}`` one segment, ``{name*}`` what is left of
    a segment with its colons, ``/**`` at the end everything below, ``/***`` also names that hold encoded slashes.
    ``limit``: the row of :data:`LIMITS` it counts as. ``reveals``: whose personal data the answer may hold; the caller
    needs the attribute there. What the control plane answers, it judges itself.
    """

    name: str
    about: str
    role: str
    scope: Scope
    methods: tuple[str, ...]
    path: str
    upstream: Upstream
    limit: str = "read"
    reveals: Reveals = ""

    def pattern(self, **literal: str) -> str:
        """Return the path as an RE2 expression over the whole path, with the parts that are known filled in."""
        for mark, below in _BELOW.items():
            if self.path.endswith(mark):
                return _expression(self.path.removesuffix(mark), literal) + below
        return _expression(self.path, literal)

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that the rule allows, least first; none for what is open."""
        return () if self.scope == "open" else holders(self.role)

    @property
    def idempotent(self) -> bool:
        """Whether everything it allows may be sent twice."""
        return IDEMPOTENT.issuperset(self.methods)


def _expression(path: str, literal: dict[str, str]) -> str:
    out = []
    for part in _PARTS.finditer(path):
        name, rest = part.group(1), part.group(2)
        if name:
            out.append(re.escape(literal[name]) if name in literal else _REST if rest else _SEGMENT)
        else:
            out.append(_COLON if part.group() == ":" else re.escape(part.group()))
    return "".join(out)


@dataclass(frozen=True)
class Limit:
    """What a kind of request may cost. ``client`` and ``route``: requests a second of one caller and of all together
    (bursts of twice as many); ``body``: MiB; ``timeout``: seconds until the answer has begun and ended."""

    client: int
    route: int
    body: int
    timeout: int


LIMITS: dict[str, Limit] = {
    "predict": Limit(client=2000, route=10000, body=1, timeout=60),
    "read": Limit(client=100, route=1000, body=1, timeout=60),
    "write": Limit(client=20, route=100, body=1, timeout=120),
    "sign_in": Limit(client=50, route=200, body=1, timeout=30),
    "code": Limit(client=20, route=100, body=64, timeout=300),
    "artifact": Limit(client=50, route=200, body=1024, timeout=900),
}

_PROJECT = "/v1/projects/{project}"
_MODEL = "/v1/registry/models/{project}/{model}"
_READ = ("GET", "HEAD")
_MLFLOW = "/mlflow/{api}/2.0/mlflow"

#: The table. The first rule whose path and method fit decides; the busiest route comes first.
RULES: tuple[Rule, ...] = (
    Rule("predict", "ask an application for predictions", "data_scientist", "project", ("POST",),
         "/serve/{project}/{application}/predict/feast/batch", "serve", "predict", "application"),
    Rule("application_health", "see which versions an application answers with", "viewer", "project", _READ,
         "/serve/{project}/{application}/healthz", "serve"),
    Rule("features", "ask Feast's server for online features", "data_scientist", "project", ("POST",),
         "/feast/{project}/get-online-features", "feast", "read", "project"),
    Rule("features_health", "ask whether Feast's server knows a project", "viewer", "project", ("GET",),
         "/feast/{project}/health", "feast"),
    Rule("sign_in", "sign in, get tokens and keys", "", "open", ("GET", "HEAD", "POST"),
         "/identity/**", "identity", "sign_in"),
    Rule("page", "load the catalogue's page, which holds no data", "", "open", _READ, "/catalogue/**", "controlplane"),
    Rule("health", "ask whether the platform is well", "", "open", _READ, "/healthz", "controlplane"),
    Rule("services", "find services and see their health", "viewer", "any", _READ, "/services", "controlplane"),
    Rule("status", "see what is declared and how it is", "viewer", "any", _READ, "/v1/status", "controlplane"),
    Rule("operation", "follow an operation", "viewer", "project", _READ,
         "/v1/operations/{kind}:{project}:{operation*}", "controlplane"),
    Rule("models", "list the registry's models", "viewer", "any", _READ, "/v1/registry/models", "controlplane"),
    Rule("export_pair", "take a pair, with the rows it is judged by, to another environment", "ml_engineer", "project",
         _READ, _MODEL + "/pairs/**", "controlplane", "artifact"),
    Rule("import_file", "bring a file of a pair of another environment", "ml_engineer", "project", ("HEAD", "PUT"),
         _MODEL + "/imports/{hash}", "controlplane", "artifact"),
    Rule("import_pair", "take in a pair of another environment", "ml_engineer", "project", ("POST",),
         _MODEL + "/pairs:import", "controlplane", "code"),
    Rule("model", "read a model, its versions and its history", "viewer", "project", _READ,
         _MODEL + "/**", "controlplane"),
    Rule("approve", "approve a version, or refuse it", "approver", "project", ("POST",),
         _MODEL + "/versions/{version}:{decision}", "controlplane", "write"),
    Rule("resource", "read a declared resource", "viewer", "project", _READ,
         _PROJECT + "/resources/{kind}/{name}", "controlplane"),
    Rule("declare", "declare a resource, change it, remove it", "ml_engineer", "project", ("PUT", "DELETE"),
         _PROJECT + "/resources/{kind}/{name}", "controlplane", "write"),
    Rule("code", "bring a project's code", "ml_engineer", "project", ("HEAD", "PUT"),
         _PROJECT + "/code/{digest}", "controlplane", "code"),
    Rule("train", "train a model", "data_scientist", "project", ("POST",),
         _PROJECT + "/models/{model}:train", "controlplane", "write"),
    Rule("decide", "ask what an alias would point to", "data_scientist", "project", ("POST",),
         _PROJECT + "/aliases/{alias}:decide", "controlplane"),
    Rule("alias", "move an alias, take it back, release it", "ml_engineer", "project", ("POST",),
         _PROJECT + "/aliases/{alias}:{verb}", "controlplane", "write"),
    Rule("check_application", "check an application's answers", "data_scientist", "project", ("POST",),
         _PROJECT + "/applications/{application}:{verb}", "controlplane", "write"),
    Rule("impact", "see what a change touches", "viewer", "any", ("GET", "HEAD", "POST"),
         "/v1/impact/**", "controlplane"),
    Rule("catalogue_model_read", "read a model's page", "viewer", "project", _READ,
         "/v1/catalogue/models/{project}/{model}/**", "controlplane"),
    Rule("retire", "retire a version, take that back", "ml_engineer", "project", ("POST",),
         "/v1/catalogue/models/{project}/{model}/versions/{version}:{verb}", "controlplane", "write"),
    Rule("catalogue", "search the catalogue", "viewer", "any", _READ, "/v1/catalogue/**", "controlplane"),
    Rule("audit", "read and export the audit trail", "platform_admin", "stack", _READ, "/v1/audit/**", "controlplane"),
    Rule("declared_lineage", "read lineage as it is declared and as it ran", "viewer", "any", _READ,
         "/v1/lineage/**", "controlplane"),
    Rule("up", "tell of an up", "platform_admin", "stack", ("POST",), "/v1/ups", "controlplane", "write"),
    Rule("lineage", "read lineage by Marquez's API", "viewer", "any", _READ, "/api/v1/***", "controlplane"),
    Rule("lineage_event", "send lineage events", "data_scientist", "any", ("POST",),
         "/api/v1/lineage", "controlplane", "write"),
    Rule("lineage_edit", "name and tag what lineage knows", "platform_admin", "stack", ("POST", "PUT", "DELETE"),
         "/api/v1/***", "controlplane", "write"),
    Rule("runs_search", "search runs and models in MLflow", "data_scientist", "any", ("POST",),
         _MLFLOW + "/{kind}/search", "mlflow", "read", "anything"),
    Rule("runs", "read runs and models in MLflow", "data_scientist", "any", _READ, "/mlflow/**", "mlflow", "read",
         "anything"),
    Rule("runs_edit", "change what MLflow keeps, past the pair protocol", "platform_admin", "stack",
         ("POST", "PUT", "PATCH", "DELETE"), "/mlflow/**", "mlflow", "artifact", "anything"),
    Rule("ray", "use Ray's dashboard and jobs, which run any code", "platform_admin", "stack", ALL_METHODS,
         "/ray/**", "ray", "write", "anything"),
)  # fmt: skip


def holders(role: str) -> tuple[str, ...]:
    """Return the roles that have the rights of ``role``, itself first. KeyError for an unknown one."""
    INHERITS[role]
    return tuple(each for each in INHERITS if role in _rights(each))


def may(roles: Iterable[str], role: str, project: str) -> bool:
    """Tell whether ``roles``, as a token has them, give the rights of ``role`` in ``project`` (``*``: in all)."""
    fitting = {f"{where}:{each}" for each in holders(role) for where in {project, "*"}}
    return not fitting.isdisjoint(roles)


def allowed(rule: Rule, roles: Iterable[str], project: str = "", personal: Iterable[str] = ()) -> bool:
    """Tell whether a caller with ``roles`` passes a rule, on a path of ``project`` where its scope is one.

    ``personal``: the projects whose personal data the answer may hold.
    """
    roles = frozenset(roles)
    if not all(sees(roles, each) for each in personal):
        return False
    if rule.scope == "open":
        return True
    if rule.scope == "any":
        return any(each.partition(":")[2] in rule.roles for each in roles)
    return may(roles, rule.role, "*" if rule.scope == "stack" else project)


def _rights(role: str) -> frozenset[str]:
    return frozenset({role}).union(*(_rights(each) for each in INHERITS[role]))
