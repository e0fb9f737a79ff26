"""What a rule is, and where in an object the pods are that it asks about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Object = Mapping[str, Any]
#: A pod, or the template of one: ``metadata`` and ``spec``.
Template = Mapping[str, Any]
#: ``containers`` and ``init containers`` of a template; ``all`` with the ephemeral ones that somebody attached.
Subject = Literal["template", "container", "any_container", "object"]

#: Namespaces of what the cluster itself needs. No team has them, and the rules are not for them.
ADD_ONS = ("cert-manager", "groundplan-security")


@dataclass(frozen=True)
class Settings:
    """What a stack declares that rules depend on.

    ``registries``: where images may come from; ``platform``: the namespace of the platform's own services;
    ``images``: references that the release names, allowed as they are.
    """

    registries: tuple[str, ...] = ()
    platform: str = "groundplan"
    images: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Those images without their tags. While a release replaces another, images of both run, and the API server
        goes by new rules a moment after it took them."""
        return tuple(sorted({image.rpartition(":")[0] for image in self.images if "@" not in image}))


@dataclass(frozen=True)
class Shape:
    """Kinds of objects that hold pods in the same place.

    ``rules``: API group, version and plural names, as admission matches them; ``templates``: CEL over ``object``
    that gives the list of pod templates; ``find``: the same in Python. ``same``: CEL over ``object`` and
    ``oldObject``, true where an update leaves all that rules ask about as it was.
    """

    name: str
    kinds: tuple[str, ...]
    group: str
    version: str
    resources: tuple[str, ...]
    templates: str = ""
    find: Callable[[Object], Sequence[Template]] = lambda _: ()
    same: str = ""

    @property
    def unchanged(self) -> str:
        """As said; where nothing is said the templates are compared."""
        return self.same or f"({self.templates}) == ({self.templates.replace('object.', 'oldObject.')})"


@dataclass(frozen=True)
class Rule:
    """One rule. ``subject``: what ``cel`` and ``holds`` are asked about.

    - ``template``: ``t``, a pod or a template of one; ``container``: ``c``, one of its containers or init containers;
      ``any_container``: also the ephemeral ones; ``object``: ``object`` itself, of the kinds in ``kinds``.
    - ``cel``: true where the object is in order; ``$registries``, ``$platform``, ``$images`` and ``$names`` are
      the settings.
    - ``holds``: the same question in Python.
    """

    id: str
    refuses: str
    why: str
    fix: str
    subject: Subject
    cel: str
    holds: Callable[[Any, Settings], bool]
    kinds: tuple[str, ...] = ()


def applies(rule: Rule, kind: str, shapes: Sequence[Shape]) -> bool:
    """Tell whether a rule asks about objects of a kind."""
    if rule.subject == "object":
        return kind in rule.kinds
    return any(kind in shape.kinds and shape.templates for shape in shapes)


def shape_of(kind: str, shapes: Sequence[Shape]) -> Shape | None:
    """Return the shape of a kind, or ``None`` for kinds that no rule asks about."""
    return next((shape for shape in shapes if kind in shape.kinds), None)


def templates_of(thing: Object, kind: str, shapes: Sequence[Shape]) -> Sequence[Template]:
    """Return every pod template in an object of a kind."""
    shape = shape_of(kind, shapes)
    return shape.find(thing) if shape else ()


def allowed(rule: Rule, thing: Object, kind: str, settings: Settings, shapes: Sequence[Shape]) -> bool:
    """Tell whether an object of ``kind`` is in order by a rule."""
    if not applies(rule, kind, shapes):
        return True
    if rule.subject == "object":
        return rule.holds(thing, settings)
    templates = templates_of(thing, kind, shapes)
    if rule.subject == "template":
        return all(rule.holds(template, settings) for template in templates)
    every = rule.subject == "any_container"
    return all(rule.holds(c, settings) for template in templates for c in containers_of(template, every))


def containers_of(template: Template, every: bool = False) -> list[Mapping[str, Any]]:
    """Return containers and init containers of a template; with ``every`` the ephemeral ones too."""
    spec = template.get("spec") or {}
    lists = ("containers", "initContainers", *(("ephemeralContainers",) if every else ()))
    return [container for name in lists for container in spec.get(name) or ()]
