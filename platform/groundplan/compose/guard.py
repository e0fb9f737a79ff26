"""The rules that keep YAML data: no tags, no bombs, nothing that Hydra or OmegaConf would instantiate or look up."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from groundplan.compose.wording import shown
from groundplan.errors import Problem

MAX_DEPTH = 40
MAX_NODES = 20_000
#: ``${oc.env:NAME}`` is allowed for names that begin so, and for no others.
ENV_PREFIX = "GROUNDPLAN_VAR_"

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PLAIN = re.compile(rf"\$\{{\s*\.*{_NAME}(?:\.{_NAME}|\[\w+\])*\s*\}}")
_ENV = re.compile(rf"\$\{{\s*oc\.env:\s*{ENV_PREFIX}[A-Z0-9_]+\s*(?:,[^${{}}]*)?\}}")
_SPECIAL_KEY = re.compile(r"^_\w+_$")
_SEGMENT = r"[A-Za-z0-9_\-]+"
_WHERE = rf"/?{_SEGMENT}(?:/{_SEGMENT})*(?:@[A-Za-z0-9_.\-]+)?"
_OPTION = re.compile(rf"^(?:(?!/){_WHERE}(?:\.yaml)?)?$")
_GROUP = re.compile(rf"^(?:(?:override|optional) )*{_WHERE}$")
_INTERPOLATIONS = f"${{key.of.this.config}} and ${{oc.env:{ENV_PREFIX}…}}"


def check_events(file: str, events: Iterable[Any]) -> Iterator[Problem]:
    """Yield a problem for every tag, and one for a document too deep, too large or made of itself."""
    open_counts: list[tuple[str | None, int]] = []
    total, sizes, documents = 0, dict[str, int](), 0
    for event in events:
        line = event.start_mark.line + 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            yield Problem(file, line, "", "holds more than one document", fix="keep one document a file")
            return
        if getattr(event, "tag", None) is not None:
            yield Problem(file, line, "", "YAML tags are not allowed", event.tag, fix="write plain data")
        if isinstance(event, yaml.AliasEvent) and event.anchor not in sizes:
            yield Problem(file, line, "", "an alias stands inside its own anchor, or has none", f"*{event.anchor}")
            return
        if isinstance(event, yaml.CollectionStartEvent):
            open_counts.append((event.anchor, total))
        total += _size(event, sizes)
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_counts.pop()
            sizes |= {anchor: total - before} if anchor else {}
        if total > MAX_NODES or len(open_counts) > MAX_DEPTH:
            limit = f"{MAX_NODES} values, {MAX_DEPTH} levels"
            yield Problem(file, line, "", "is too large or too deep once its aliases are expanded", allowed=limit)
            return


def _size(event: Any, sizes: dict[str, int]) -> int:
    if isinstance(event, yaml.AliasEvent):
        return sizes[event.anchor]
    if isinstance(event, yaml.ScalarEvent) and event.anchor:
        sizes[event.anchor] = 1
    return int(isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent))


def check_key(file: str, line: int, path: str, key: str) -> Iterator[Problem]:
    """Yield a problem for a key that Hydra would act on, or that holds an interpolation."""
    if _SPECIAL_KEY.match(key):
        fix = "say what is wanted with kind:"
        yield Problem(file, line, path, "keys such as _target_ are not allowed: nothing in YAML is run", key, fix=fix)
    if path == "hydra":
        yield Problem(file, line, path, "Hydra itself is not configured here", key, fix="remove it")
    if "$" in key:
        yield Problem(file, line, path, "an interpolation cannot be a key", key)


def check_scalar(file: str, line: int, path: str, value: str) -> Iterator[Problem]:
    """Yield a problem for an interpolation that is not allowed, and for a default that leaves the project."""
    if not is_plain(value):
        yield Problem(file, line, path, "this interpolation is not allowed", shown(value), _INTERPOLATIONS)


def is_plain(value: str) -> bool:
    """Return whether a text holds no interpolation but plain ones and the environment variables allowed."""
    return "${" not in _ENV.sub("", _PLAIN.sub("", value))


def check_default(file: str, line: int, path: str, value: str) -> Iterator[Problem]:
    """Yield a problem for a name in a defaults list that is not simply a file of the project."""
    if not _OPTION.match(value):
        yield Problem(file, line, path, "is no file of the project", value, "the name of a file in that group")


def check_group(file: str, line: int, path: str, group: str) -> Iterator[Problem]:
    """Yield a problem for a group of a defaults list that leaves the project or configures Hydra."""
    if not _GROUP.match(group) or "hydra" in re.split(r"[ /@]", group):
        yield Problem(file, line, path, "is no group of the project", group, "a folder beside project.yaml")
