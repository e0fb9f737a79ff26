"""Groups, overrides for an environment, shared groups, and the cache behind them."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.support.checkout import Checkout

from groundplan.compose import load, load_stack
from groundplan.compose.cache import Cache
from groundplan.errors import SpecError

P, T = "projects/shop/project.yaml", "projects/shop/training/spend.yaml"


def test_a_project_is_composed_of_its_groups(checkout: Checkout) -> None:
    stack, (project,) = load(checkout.root, "local")
    assert (stack.name, stack.alias, stack.local.port("mlflow")) == ("local", "production", 20003)
    assert project.spec.training["spend"].examples.target == "amount"
    assert project.source == "projects/shop"
    assert set(project.code) == {
        "data/orders.csv",
        "features/recent.sql",
        "features/trend.py",
        "training/examples.sql",
    }


def test_an_environment_overrides_what_it_names_and_nothing_else(checkout: Checkout) -> None:
    checkout.write(
        "projects/shop/env/local.yaml", "training:\n  spend:\n    hyperparameters: {alpha: 2, fit_intercept: false}\n"
    )
    checkout.write("stacks/other.yaml", "name: other\ntarget: local\nprojects: [shop]\n")
    model = load(checkout.root, "local")[1][0].spec.training["spend"]
    assert (model.hyperparameters, model.kind) == ({"alpha": 2, "fit_intercept": False}, "linear")
    assert load(checkout.root, "other")[1][0].spec.training["spend"].hyperparameters == {"alpha": 0.5}


def test_a_mistake_in_an_override_is_named_there(checkout: Checkout) -> None:
    checkout.write("projects/shop/env/local.yaml", "# @package _global_\ntraining:\n  spend:\n    knid: xgboost\n")
    with pytest.raises(SpecError) as caught:
        load(checkout.root, "local")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.fix) == ("projects/shop/env/local.yaml", 4, "did you mean kind?")


def test_groups_shared_by_projects(checkout: Checkout) -> None:
    checkout.write("projects/_shared/tiers/large.yaml", "# @package serving.spend.tiers\nmodel: {replicas: 5}\n")
    checkout.edit(P, "  - training: [spend]\n", "  - training: [spend]\n  - tiers: large\n")
    checkout.edit(P, "{replicas: 2, cpus: 0.5}", "{cpus: 0.5}")
    assert load(checkout.root, "local")[1][0].spec.serving["spend"].tiers.model.replicas == 5


def test_anchors_and_merge_keys(checkout: Checkout) -> None:
    checkout.edit(P, "tiers: {model:", "tiers: {api: &t {replicas: 3}, features: {<<: *t, cpus: 1}, model:")
    tiers = load(checkout.root, "local")[1][0].spec.serving["spend"].tiers
    assert (tiers.features.replicas, tiers.features.cpus) == (3, 1)


def test_only_the_stack(checkout: Checkout) -> None:
    checkout.edit(P, "team: core", "team: [")
    assert load_stack(checkout.root, "local").projects == ("shop",)


def test_the_cache_is_used_and_an_edit_is_seen(checkout: Checkout, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = load(checkout.root, "local", cache)
    stored = {p: p.read_bytes() for p in cache.rglob("*.json")}
    assert len(stored) == 2
    assert load(checkout.root, "local", cache) == first
    checkout.edit(T, "alpha: 0.5", "alpha: 0.7")
    assert load(checkout.root, "local", cache)[1][0].spec.training["spend"].hyperparameters == {"alpha": 0.7}


@pytest.mark.parametrize("damage", [b"", b"\0" * 99, b"{}", None])
def test_a_damaged_cache_costs_time_only(checkout: Checkout, tmp_path: Path, damage: bytes | None) -> None:
    first = load(checkout.root, "local", tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.json"):
        path.write_bytes(path.read_bytes().replace(b"core", b"evil") if damage is None else damage)
    assert load(checkout.root, "local", tmp_path / "cache") == first


def test_a_cache_that_cannot_be_written(checkout: Checkout) -> None:
    blocked = checkout.write("cache", "a file, not a folder")
    assert load(checkout.root, "local", blocked)[0].name == "local"


def test_many_writers_of_one_entry_never_show_half_a_document(tmp_path: Path) -> None:
    cache, document = Cache(tmp_path), {"values": "x" * 50_000}
    cache.put("entry", "key", document)
    wrong: list[object] = []

    def work() -> None:
        for _ in range(50):
            cache.put("entry", "key", document)
            found = cache.get("entry", "key")
            if found != document:
                wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert [p.name for p in tmp_path.iterdir()] == ["entry.json"]


def test_a_warm_load_needs_no_hydra_and_plans_never_do(checkout: Checkout) -> None:
    load(checkout.root, "local")
    code = (
        "import sys; from pathlib import Path; from groundplan.compose import load;"
        "from groundplan.plan import build_plan;"
        f"build_plan(*load(Path({str(checkout.root)!r}), 'local')); print(sorted(m for m in sys.modules if m in "
        "('hydra', 'omegaconf', 'pulumi', 'duckdb')))"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={"PYTHONPATH": str(root / "platform")},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]", done.stderr
