"""One YAML file, read as data before Hydra sees it: refused when hostile, indexed by line when not.

The parser is the one that Hydra reads with: what is judged is what is composed (libyaml's, ten times faster, takes what
PyYAML's own refuses). It makes only events and nodes here and constructs nothing, so no tag can run anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import yaml

from groundplan.compose.guard import check_default, check_events, check_group, check_key, check_scalar
from groundplan.errors import Problem

MAX_BYTES = 256 * 1024
MERGE = "<<"
_KEY_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")
#: OmegaConf's word for a value that somebody else must give.
MISSING = "???"

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where a key is written, and the scalar beside it if it has one."""

    file: str
    line: int
    value: str | None = None


@dataclass
class YamlFile:
    """What is known of one file: the place of every key path in it, and what is wrong with it."""

    name: str
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_yaml(name: str, data: bytes) -> YamlFile:
    """Check and index one file. ``name`` is how problems call it. Nothing in the file is executed."""
    found = YamlFile(name)
    if len(data) > MAX_BYTES:
        found.problems.append(Problem(name, None, "", "is too large", f"{len(data)} bytes", f"{MAX_BYTES} bytes"))
        return found
    try:
        text = data.decode("utf-8")
        found.problems.extend(check_events(name, yaml.parse(text, Loader=yaml.SafeLoader)))
        if not found.problems:
            _index(found, yaml.compose(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        text = data.splitlines()[line - 1].decode(errors="replace") if line and line <= len(data.splitlines()) else ""
        fix = "quote the value" if "${" in text or MISSING in text else None
        found.problems.append(Problem(name, line, "", f"is not valid YAML: {error.problem}", fix=fix))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found.problems.append(Problem(name, None, "", f"is not valid YAML: {str(error).splitlines()[0]}"))
    return found


def _index(found: YamlFile, root: yaml.Node | None) -> None:
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        found.problems.append(Problem(found.name, 1, "", "must be a mapping of keys to values"))
        return
    _mapping(found, (), root)


def _mapping(found: YamlFile, path: KeyPath, node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key_node, value in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key_node.tag not in _KEY_TAGS:
            fix = "put it in quotes"
            found.problems.append(Problem(found.name, line, dotted(path), "has a key that is not text", key, fix=fix))
            continue
        here = (*path, key)
        if key in seen:
            found.problems.append(Problem(found.name, line, dotted(here), "is written twice", fix="remove one"))
        seen.add(key)
        check = check_group if path[:1] == ("defaults",) else check_key
        found.problems.extend(check(found.name, line, dotted(here), key))
        if key == MERGE:
            _merge(found, path, value)
        else:
            _value(found, here, value, line)


def _merge(found: YamlFile, path: KeyPath, value: yaml.Node) -> None:
    for node in value.value if isinstance(value, yaml.SequenceNode) else [value]:
        if isinstance(node, yaml.MappingNode):
            _mapping(found, path, node)


def _value(found: YamlFile, path: KeyPath, node: yaml.Node, line: int) -> None:
    scalar = node.value if isinstance(node, yaml.ScalarNode) else None
    found.places[path] = Place(found.name, line, scalar)
    if scalar is not None:
        check = check_default if path[:1] == ("defaults",) else check_scalar
        found.problems.extend(check(found.name, line, dotted(path), scalar))
    elif isinstance(node, yaml.MappingNode):
        _mapping(found, path, node)
    else:
        for index, item in enumerate(node.value):
            _value(found, (*path, index), item, item.start_mark.line + 1)


def dotted(path: KeyPath) -> str:
    """Return a key path as people write it: ``training.delay.aliases.latest``, ``projects[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class Places:
    """Where the keys of a composed configuration are written, over all the files that it came from."""

    def __init__(self, primary: str, rows: Sequence[tuple[KeyPath, str, int]]) -> None:
        self._primary = primary
        #: (path, file, line), in order of merging; plain JSON values.
        self.rows = rows

    @cached_property
    def _places(self) -> dict[KeyPath, tuple[str, int]]:
        return {tuple(path): (file, line) for path, file, line in self.rows}

    def find(self, path: KeyPath) -> tuple[str, int | None]:
        """Return the file and line of a key, or of the nearest key around it."""
        for length in range(len(path), 0, -1):
            place = self._places.get(path[:length])
            if place is not None:
                return place
        return self._primary, None
