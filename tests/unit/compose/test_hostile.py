"""Hostile YAML executes nothing, reads nothing outside the project, and costs nothing."""

import time
from pathlib import Path

import pytest
from tests.support.checkout import Checkout

from groundplan.compose import load
from groundplan.errors import Problem, SpecError

P = "projects/shop/project.yaml"
NESTED = "[" * 100 + "]" * 100
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{n}: &{n} [{','.join(['*' + before] * 10)}]\n" for before, n in zip("abcdefgh", "bcdefghi", strict=True)
)


def problems(checkout: Checkout) -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as caught:
        load(checkout.root, "local")
    return caught.value.problems


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("description: !!python/object/apply:os.system ['touch {marker}']", "YAML tags are not allowed"),
        ("description: !!python/object/apply:pathlib.Path ['x']", "YAML tags are not allowed"),
        ("description: !include /etc/passwd", "YAML tags are not allowed"),
        ("description: !!str x", "YAML tags are not allowed"),
        ("x: {_target_: os.system, command: 'touch {marker}'}", "_target_"),
        ("tags: {_args_: [1]}", "_target_"),
        ("description: ${oc.env:HOME}", "interpolation is not allowed"),
        ("description: ${oc.env:PULUMI_CONFIG_PASSPHRASE,none}", "interpolation is not allowed"),
        ("description: ${oc.env:GROUNDPLAN_VAR_X,${oc.env:HOME}}", "interpolation is not allowed"),
        ("description: ${${name}:x}", "interpolation is not allowed"),
        ("description: ${oc.create:{a:1}}", "interpolation is not allowed"),
        ("description: ${hydra:runtime.cwd}", "interpolation is not allowed"),
        ("description: a ${oc.decode:'1'} b", "interpolation is not allowed"),
        ("hydra: {searchpath: ['file:///etc']}", "Hydra itself"),
        ("'${name}': x", "cannot be a key"),
        ("a: &a {b: *a}", "inside its own anchor"),
        (f"a: {NESTED}", "too large or too deep"),
        (BOMB, "too large or too deep"),
        ("---\nname: other", "more than one document"),
        ("? [a, b]\n: c", "a key that is not text"),
    ],
)
def test_refused_before_hydra_sees_it(checkout: Checkout, tmp_path: Path, line: str, says: str) -> None:
    marker = tmp_path / "marker"
    text = (checkout.root / P).read_text().replace("description: What customers spend", "")
    checkout.write(P, text + line.replace("{marker}", str(marker)) + "\n")
    started = time.process_time()
    assert any(says in str(problem) and problem.file == P for problem in problems(checkout))
    assert time.process_time() - started < 5
    assert not marker.exists()


@pytest.mark.parametrize(
    "entry",
    [
        "training: ../../../etc/passwd",
        "training: /etc/passwd",
        "//etc: passwd",
        "../../x: y",
        "override hydra/launcher: joblib",
        "/hydra/job_logging: none",
        "training@a:b: spend",
        "training: ${oc.env:HOME}",
        "training: file:///etc/x",
        "../other/project",
    ],
)
def test_a_defaults_list_stays_in_the_project(checkout: Checkout, entry: str) -> None:
    checkout.edit(P, "training: [spend]", entry)
    assert any(problem.path.startswith("defaults[0]") for problem in problems(checkout))


def test_hostile_files_are_found_wherever_hydra_could_look(checkout: Checkout) -> None:
    hostile = "a: !!python/name:os.system x\n"
    names = {"projects/shop/env/other.yaml", "projects/_shared/x.yaml"}
    for name in names:
        checkout.write(name, hostile)
    assert {problem.file for problem in problems(checkout)} == names
    checkout.write("stacks/other.yaml", hostile)
    assert {problem.file for problem in problems(checkout)} == {"stacks/other.yaml"}


def test_links_that_leave_the_project(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.yaml").write_text("x: 1\n")
    (outside / "x.sql").write_text("select 1\n")
    (checkout.root / "projects/shop/more").symlink_to(outside)
    (checkout.root / "projects/shop/features/recent.sql").unlink()
    (checkout.root / "projects/shop/features/recent.sql").symlink_to(outside / "x.sql")
    told = [str(problem) for problem in problems(checkout)]
    assert any("projects/shop/more: is a link that leaves its folder" in text for text in told)
    assert any("recent.sql" in text and "leaves its folder" in text for text in told)


def test_a_file_too_large(checkout: Checkout) -> None:
    checkout.write("projects/shop/big.yaml", "a: " + "x" * 300_000)
    assert "is too large" in str(problems(checkout)[0])


def test_bytes_that_are_no_text(checkout: Checkout) -> None:
    (checkout.root / P).write_bytes(b"name: \xff\xfe")
    assert "is not valid YAML" in str(problems(checkout)[0])


@pytest.mark.parametrize("env", ["../shop", "local/..", "", "."])
def test_an_environment_is_a_name(checkout: Checkout, env: str) -> None:
    with pytest.raises(SpecError, match="unknown environment"):
        load(checkout.root, env)


def test_python_of_a_project_is_never_imported(checkout: Checkout, tmp_path: Path) -> None:
    marker = tmp_path / "imported"
    checkout.write(
        "projects/shop/features/trend.py", f"open({str(marker)!r}, 'w')\ndef build(recent):\n    return recent\n"
    )
    load(checkout.root, "local")
    assert not marker.exists()


def test_the_variables_that_are_allowed(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.edit(P, "What customers spend", "'${oc.env:GROUNDPLAN_VAR_TEXT,nothing} of ${team}'")
    _, (project,) = load(checkout.root, "local")
    assert project.spec.description == "nothing of core"
    monkeypatch.setenv("GROUNDPLAN_VAR_TEXT", "something")
    _, (project,) = load(checkout.root, "local")
    assert project.spec.description == "something of core"
