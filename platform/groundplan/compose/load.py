"""From a checkout to valid specs: everything that is wrong, at once, before anything is touched."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundplan.compose.cache import Cache
from groundplan.compose.files import read_code
from groundplan.compose.owner import owner_of
from groundplan.compose.tree import Tree, read_tree
from groundplan.compose.unit import Unit, compose_unit
from groundplan.compose.validate import Validated, validate
from groundplan.errors import Problem, SpecError, suggest
from groundplan.spec import (
    Finding,
    LoadedProject,
    ProjectSpec,
    StackSpec,
    across_projects,
    audience_findings,
    in_project,
    in_stack,
    team_run_findings,
)

_ENV = re.compile(r"[A-Za-z0-9_\-]+")


def load(root: Path, env: str, cache: Path | None = None) -> tuple[StackSpec, tuple[LoadedProject, ...]]:
    """Return an environment's stack and its projects. SpecError with every problem when anything is wrong.

    ``cache`` is the folder for composed configurations, by default ``<root>/.groundplan/cache/compose``.
    """
    loader = _Loader(root, env, cache)
    stack = loader.stack()
    projects = loader.projects(stack)
    loader.raise_problems()
    return stack, tuple(projects)


def load_stack(root: Path, env: str, cache: Path | None = None) -> StackSpec:
    """Return an environment's stack alone. SpecError with every problem when anything is wrong."""
    loader = _Loader(root, env, cache)
    stack = loader.stack()
    loader.raise_problems()
    return stack


def environments(root: Path) -> list[str]:
    """Return the names of the environments that a checkout declares."""
    return sorted(p.stem for p in (root / "stacks").glob("*.yaml") if not p.name.startswith("Pulumi."))


class _Loader:
    """One loading of one environment; collects problems instead of raising them."""

    def __init__(self, root: Path, env: str, cache: Path | None) -> None:
        self.root = root.resolve()
        self.env = env
        self.cache_folder = cache or self.root / ".groundplan" / "cache" / "compose"
        self.cache = Cache(self.cache_folder)
        self.stacks = read_tree(self.root, self.root / "stacks", skip_prefix="Pulumi.")
        self.shared = read_tree(self.root, self.root / "projects" / "_shared")
        self.problems: dict[Problem, None] = {}
        self._stack_unit: Unit | None = None

    def raise_problems(self) -> None:
        """Raise what was found, if anything was."""
        if self.problems:
            raise SpecError(list(self.problems))

    def stack(self) -> StackSpec:
        """Return the stack (of what is valid in it). SpecError when there is none to go on with."""
        stack, unit = self.alone()
        if self.problems or stack.source is None or stack.source.registry == "own":
            return stack
        found = owner_of(stack, environments(self.root), self._other)
        if isinstance(found, StackSpec):
            return stack.reading(found)
        self._add(unit.problem(found))
        return stack

    def _other(self, env: str) -> StackSpec:
        """Return another stack of the checkout, as its file says. SpecError when anything is wrong there."""
        loader = _Loader(self.root, env, self.cache_folder)
        stack, _ = loader.alone()
        loader.raise_problems()
        return stack

    def alone(self) -> tuple[StackSpec, Unit]:
        """Return the stack by its own file alone, and that file. SpecError when there is none to go on with."""
        if self.env not in environments(self.root) or not _ENV.fullmatch(self.env):
            known = environments(self.root)
            raise SpecError([_unknown_environment(self.env, known)])
        unit = compose_unit([self.stacks], self.env, (), self.cache, f"{self.env}/_stack")
        self._stack_unit = unit
        self._add(*unit.problems)
        checked: Validated[StackSpec] = self._validated(StackSpec, unit, self.env)
        if checked.spec is None:
            raise SpecError(list(self.problems))
        self._add(*(unit.problem(finding) for finding in in_stack(checked.spec)))
        self._named("name", checked, unit, self.env, "the name of the file")
        return checked.spec, unit

    def projects(self, stack: StackSpec) -> list[LoadedProject]:
        """Return the stack's projects, those that could be read."""
        found = [self._project(stack, name) for name in self._existing(stack)]
        loaded = [project for project, _ in found if project is not None]
        units = {project.spec.name: unit for project, unit in found if project is not None}
        for name, finding in across_projects([project.spec for project in loaded]):
            self._add(units[name].problem(finding))
        for project in loaded:
            self._add(*(units[project.spec.name].problem(each) for each in team_run_findings(stack, project.spec)))
        if not self.problems and self._stack_unit:  # what flows where is known of valid projects alone
            found_of = (finding for project in loaded for finding in audience_findings(stack.access, project.spec))
            self._add(*map(self._stack_unit.problem, found_of))
        return loaded

    def _existing(self, stack: StackSpec) -> Iterator[str]:
        folder = self.root / "projects"
        known = sorted(p.parent.name for p in folder.glob("*/project.yaml") if p.parent.name != "_shared")
        for index, name in enumerate(stack.projects):
            if name in known:
                yield name
                continue
            fix = suggest(name, known) or f"groundplan new project {name}"
            finding = Finding(("projects", index), "no such project folder", name, ", ".join(known) or None, fix)
            self._add(self._stack_unit.problem(finding) if self._stack_unit else Problem("stacks", None, "", "?"))

    def _project(self, stack: StackSpec, name: str) -> tuple[LoadedProject | None, Unit]:
        folder = self.root / "projects" / name
        trees = [read_tree(self.root, folder), self.shared, self.stacks]
        unit = compose_unit(trees, "project", self._overrides(trees), self.cache, f"{self.env}/{name}")
        self._add(*unit.problems)
        if unit.problems and not unit.values:
            return None, unit
        checked: Validated[ProjectSpec] = self._validated(ProjectSpec, unit, name)
        if checked.spec is None:
            return None, unit
        self._named("name", checked, unit, name, "the name of the folder")
        code = read_code(self.root, folder, checked.spec)
        findings = [*in_project(checked.spec, stack.alias, checked.broken), *code.findings]
        self._add(*code.problems, *(unit.problem(f) for f in findings if not checked.hides(f.path)))
        return LoadedProject(checked.spec, code.digests, self.root), unit

    def _overrides(self, trees: list[Tree]) -> tuple[str, ...]:
        there = any(tree.folder / "env" / f"{self.env}.yaml" in tree.contents for tree in trees)
        return (f"+env@_global_={self.env}",) if there else ()

    def _validated(self, model: Any, unit: Unit, name: str) -> Validated[Any]:
        if unit.problems and not unit.values:
            return Validated(None)
        checked = validate(model, unit.values, name)
        failed = {(problem.file, problem.path) for problem in unit.problems}
        problems = (unit.problem(finding) for finding in checked.findings)
        self._add(*(problem for problem in problems if (problem.file, problem.path) not in failed))
        return checked

    def _named(self, key: str, checked: Validated[Any], unit: Unit, expected: str, what: str) -> None:
        given = unit.values.get(key)
        if isinstance(given, str) and given != expected and not any(f.path == (key,) for f in checked.findings):
            self._add(unit.problem(Finding((key,), f"must be {what}", given, expected)))

    def _add(self, *problems: Problem) -> None:
        self.problems.update(dict.fromkeys(problems))


def _unknown_environment(env: str, known: list[str]) -> Problem:
    fix = suggest(env, known) or f"write stacks/{env}.yaml"
    return Problem("stacks", None, "", "unknown environment", env, ", ".join(known) or None, fix)
