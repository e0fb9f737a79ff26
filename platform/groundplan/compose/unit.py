"""One configuration composed: guarded, cached, with the place of every key."""

import hashlib
import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan.compose.cache import FORMAT, Cache
from groundplan.compose.guard import ENV_PREFIX
from groundplan.compose.tree import Tree
from groundplan.compose.yamlfile import KeyPath, Place, Places, YamlFile, dotted
from groundplan.errors import Problem
from groundplan.spec import Finding


@dataclass(frozen=True)
class Unit:
    """Composed values, where their keys are written, and why there are none, if so."""

    values: dict[str, Any]
    places: Places
    problems: tuple[Problem, ...] = ()

    def problem(self, finding: Finding) -> Problem:
        """Return a finding with the file and line of its key."""
        file, line = self.places.find(finding.path)
        return Problem(file, line, dotted(finding.path), finding.what, finding.value, finding.allowed, finding.fix)


def compose_unit(trees: Sequence[Tree], name: str, overrides: Sequence[str], cache: Cache, slot: str) -> Unit:
    """Compose ``<name>.yaml`` of the first tree, with groups from all; from the cache when nothing changed."""
    primary = str((trees[0].folder / f"{name}.yaml").relative_to(trees[0].root))
    key = _key(trees, name, overrides)
    stored = cache.get(slot, key)
    if stored is not None:
        return Unit(stored["values"], Places(primary, stored["places"]))
    unit = _compose(trees, name, overrides, primary)
    # Hydra reads the files itself: an edit in between must not be remembered under the digest of what was there before.
    if not unit.problems and all(tree.unchanged() for tree in trees):
        cache.put(slot, key, {"values": unit.values, "places": unit.places.rows})
    return unit


def _key(trees: Sequence[Tree], name: str, overrides: Sequence[str]) -> str:
    environment = sorted((k, v) for k, v in os.environ.items() if k.startswith(ENV_PREFIX))
    parts = [FORMAT, name, *overrides, repr(environment), *(f"{t.folder}:{t.digest}" for t in trees)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _compose(trees: Sequence[Tree], name: str, overrides: Sequence[str], primary: str) -> Unit:
    hostile = [problem for tree in trees for problem in tree.all_problems()]
    if hostile:
        return Unit({}, Places(primary, ()), tuple(hostile))
    # Hydra costs a third of a second to load: not spent when everything comes from the cache.
    hydra_compose = importlib.import_module("groundplan.compose.hydra_compose")
    composed = hydra_compose.compose([tree.folder for tree in trees if tree.folder.is_dir()], name, overrides)
    places = Places(primary, _rows(trees, composed.sources))
    problems = [_failed(failure, trees, places) for failure in composed.failures]
    return Unit(composed.values, places, tuple(problems))


def _rows(trees: Sequence[Tree], sources: Sequence[tuple[str, str]]) -> list[tuple[KeyPath, str, int]]:
    rows: list[tuple[KeyPath, str, int]] = []
    for config, package in sources:
        file = _file(trees, config)
        prefix = tuple(package.split(".")) if package else ()
        for path, place in file.places.items() if file else ():
            if path[0] != "defaults":
                rows.append(((*prefix, *path), place.file, place.line))
    return rows


def _file(trees: Sequence[Tree], config: str) -> YamlFile | None:
    for tree in trees:
        found = tree.files().get(tree.folder / f"{config.removesuffix('.yaml')}.yaml")
        if found is not None:
            return found
    return None


def _failed(failure: Any, trees: Sequence[Tree], places: Places) -> Problem:
    if failure.option is None:
        file, line = places.find(failure.path)
        return Problem(file, line, dotted(failure.path), failure.what)
    found = _named_in_defaults(trees, failure.option)
    file, line = (found.file, found.line) if found else places.find(())
    options = ", ".join(_options(trees, failure.option)) or None
    return Problem(file, line, "defaults", "no such file in that group", failure.option, options)


def _options(trees: Sequence[Tree], option: str) -> list[str]:
    folders = [tree.folder / Path(option).parent for tree in trees]
    return sorted({path.stem for tree in trees for path in tree.contents if path.parent in folders})


def _named_in_defaults(trees: Sequence[Tree], option: str) -> Place | None:
    for tree in trees:
        for file in tree.files().values():
            for path, place in file.places.items():
                if path[0] == "defaults" and place.value and Path(option).name == Path(place.value).name:
                    return place
    return None
