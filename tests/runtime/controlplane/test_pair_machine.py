"""Trainings, promotions, rollbacks, releases, crashes and hands in MLflow, in any order: never an alias on half a pair.

The real registry on a real PostgreSQL and MLflow's own SQL store; only trainings and serving are stand-ins. A step of
the machine may die before or after any write to MLflow, and between any two steps of the work.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from groundplan.controlplane import moves, registry, store
from groundplan.controlplane.adapters.mlflow import MlflowAdapter
from groundplan.controlplane.audit import replay, trail
from groundplan.controlplane.audit.guard import AUDITED
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import make_engine, migrate
from groundplan.controlplane.kinds import KINDS
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Actor, Resource
from groundplan_runtime.config import Runtime
from tests.runtime.controlplane.doubles import MemoryFeast, MemoryJobs, MemoryObjects, MemoryServe, MemorySingles
from tests.runtime.controlplane.test_api import SOURCE, VIEW, alias, model

#: Other tests of the package share the database, not this project.
PROJECT = "machine"
ALIASES = ("latest", "production")
HALVES = ("preprocessor", "model")
WRITES = (
    "create_registered_model",
    "create_model_version",
    "set_model_version_tag",
    "set_registered_model_alias",
    "delete_registered_model_alias",
)
ANN = Actor("ann", "a test")
numbers = st.integers(1, 6)
halves = st.sampled_from(HALVES)
names = st.sampled_from(ALIASES)
#: When the work dies: never, before or after the n-th write to MLflow, or after a step.
deaths = st.one_of(
    st.none(),
    st.tuples(st.sampled_from(["before", "after"]), st.integers(1, 9)),
    st.tuples(st.just("step"), st.integers(1, 3)),
)


class Died(BaseException):
    """Stands for the process being killed: nothing of ours catches it."""


class DyingClient:
    """MLflow's client, of which a write may be the last thing that happens."""

    def __init__(self, real: MlflowClient) -> None:
        self.real = real
        self.death: tuple[str, int] | None = None
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.real, name)
        return (lambda *args, **named: self._write(found, *args, **named)) if name in WRITES else found

    def _write(self, call: Any, *args: Any, **named: Any) -> Any:
        self.writes += 1
        dies = self.death is not None and self.death[1] == self.writes
        if dies and self.death is not None and self.death[0] == "before":
            raise Died
        try:
            return call(*args, **named)
        finally:
            if dies:
                raise Died


class Machine(RuleBasedStateMachine):
    """One model with two aliases: ``latest`` follows, ``production`` follows through a gate."""

    platform: ClassVar[Platform]
    client: ClassVar[DyingClient]
    counter: ClassVar[Iterator[int]] = itertools.count()

    @initialize()
    def declare(self) -> None:
        """A model of its own, and what is declared."""
        self.name = f"made_{next(self.counter)}"
        self.depth = 0
        self.cut_off: dict[str, tuple[Work, int, dict[str, Any]]] = {}
        self.train(None)

    # What the platform is asked for.

    def train(self, death: tuple[str, int] | None) -> None:
        given = model(self.depth)
        self.work("model", self.name, given, f"{self.depth:016x}", {}, death)

    def point(self, name: str, request: dict[str, Any], death: tuple[str, int] | None) -> None:
        gates = [{"metric": "mae", "below": 11}] if name == "production" else []
        self.work(
            "alias",
            f"{self.name}@{name}",
            {**alias(name), "model": self.name, "gates": gates},
            "a" * 16,
            request,
            death,
        )

    def work(
        self, kind: str, name: str, given: dict[str, Any], digest: str, request: dict[str, Any], death: Any
    ) -> None:
        """Declare and reconcile, as the control plane does; a death leaves it cut off."""
        self.cut_off.pop(name, None)  # what was at work is cancelled
        wanted = Resource(PROJECT, kind, name, digest, digest, given, {})
        try:
            KINDS[kind].admit(self.platform, wanted)
        except ApiProblem:
            return  # the model has not been made yet: refused, nothing changed
        with self.platform.engine.begin() as connection:
            declared = store.declare(connection, wanted, ANN)
        self.run(Work(self.platform, declared, ANN, "an operation", lambda _: None, request), 0, {}, death)

    def run(self, work: Work, number: int, carry: dict[str, Any], death: Any) -> None:
        """Run the steps from ``number`` on; what each returned is kept, as the workflow engine does."""
        name, steps = work.resource.name, KINDS[work.resource.kind].steps()
        self.client.death, self.client.writes = (death if death and death[0] != "step" else None), 0
        try:
            for at in range(number, len(steps)):
                self.cut_off[name] = (work, at, carry)
                carry = steps[at](work, carry)
                if death == ("step", at + 1):
                    self.cut_off[name] = (work, at + 1, carry)
                    return
            settled = {key: value for key, value in carry.items() if key != "refusal"}
        except Died:
            return
        except (ApiProblem, MlflowException) as problem:  # as the workflow: whatever it was, the operation failed
            known = self.row(work.resource.kind, name)
            settled = {"outputs": known.outputs if known else {}, "status": "failed", "message": str(problem)}
        finally:
            self.client.death = None
        del self.cut_off[name]
        with self.platform.engine.begin() as connection:
            store.settle(connection, replace(work.resource, **settled), ANN)

    @rule(good=st.booleans(), death=deaths)
    def trains_another(self, good: bool, death: Any) -> None:
        self.depth += 1
        self.platform.jobs.metrics = {"mae": 10.0 if good else 12.0}  # type: ignore[attr-defined]
        self.train(death)

    @rule(back=st.integers(0, 3), death=deaths)
    def selects_an_old_declaration(self, back: int, death: Any) -> None:
        self.depth = max(0, self.depth - back)
        self.train(death)

    @rule(name=names, death=deaths)
    def reconciles(self, name: str, death: Any) -> None:
        self.point(name, {}, death)

    @rule(name=names, version=numbers, death=deaths)
    def promotes(self, name: str, version: int, death: Any) -> None:
        asked = {"version": version, "cause": "promote", "asked_by": "ann", "reason": "by hand", "before": {}}
        self.point(name, asked, death)

    @rule(name=names, death=deaths)
    def rolls_back(self, name: str, death: Any) -> None:
        with self.platform.engine.connect() as connection:
            target = moves.rollback_target(connection, PROJECT, self.name, name)
        if target is not None:
            self.point(name, {"version": target, "cause": "rollback", "asked_by": "ann", "reason": "no"}, death)

    @rule(name=names, death=deaths)
    def releases(self, name: str, death: Any) -> None:
        self.point(name, {"release": True}, death)

    @precondition(lambda self: self.cut_off)
    @rule(data=st.data(), death=deaths)
    def is_started_again(self, data: st.DataObject, death: Any) -> None:
        """The control plane comes back, and takes up what was cut off: with what the finished steps returned."""
        work, number, carry = self.cut_off[data.draw(st.sampled_from(sorted(self.cut_off)))]
        self.run(work, number, dict(carry), death)

    # What hands do in MLflow, where they have no business.

    def by_hand(self, call: str, half: str, *args: Any, **named: Any) -> None:
        try:
            getattr(self.client.real, call)(f"{PROJECT}_{self.name}_{half}", *args, **named)
        except MlflowException:
            return  # there is no such thing

    @rule(half=halves, version=numbers)
    def a_hand_deletes_a_version(self, half: str, version: int) -> None:
        self.by_hand("delete_model_version", half, str(version))

    @rule(half=halves, digest=st.sampled_from([None, 0, 1, 2]))
    def a_hand_adds_a_version(self, half: str, digest: int | None) -> None:
        tags = None if digest is None else {"groundplan.digest": f"{digest:016x}", "groundplan.state": "committed"}
        self.by_hand("create_model_version", half, "s3://by/hand", tags=tags)

    @rule(half=halves, version=numbers, digest=st.integers(0, 2))
    def a_hand_changes_a_tag(self, half: str, version: int, digest: int) -> None:
        self.by_hand("set_model_version_tag", half, str(version), "groundplan.digest", f"{digest:016x}")

    @rule(half=halves, name=st.sampled_from(["latest_pair", "production"]), version=numbers)
    def a_hand_moves_an_alias(self, half: str, name: str, version: int) -> None:
        self.by_hand("set_registered_model_alias", half, name, str(version))

    @rule(half=halves, name=st.sampled_from(["latest_pair", "production"]))
    def a_hand_deletes_an_alias(self, half: str, name: str) -> None:
        self.by_hand("delete_registered_model_alias", half, name)

    @rule(half=halves)
    def a_hand_deletes_a_whole_model(self, half: str) -> None:
        self.by_hand("delete_registered_model", half)

    # What must hold.

    def row(self, kind: str, name: str) -> Resource | None:
        with self.platform.engine.connect() as connection:
            return store.get(connection, PROJECT, kind, name)

    def tags(self, half: str, version: int) -> dict[str, str] | None:
        try:
            return dict(self.client.real.get_model_version(f"{PROJECT}_{self.name}_{half}", str(version)).tags)
        except MlflowException:
            return None

    def fault(self, name: str) -> str | None:
        """What is wrong with an alias, by a look of the test's own at PostgreSQL and MLflow; None when nothing is."""
        with self.platform.engine.connect() as connection:
            ours = registry.pointer(connection, PROJECT, self.name, name).version
            digest = connection.execute(
                sa.text("SELECT digest FROM pairs WHERE project=:p AND model=:m AND version=:v AND state='committed'"),
                {"p": PROJECT, "m": self.name, "v": ours},
            ).scalar_one_or_none()
        found = [self.tags(half, ours) for half in HALVES] if ours else []
        if ours is not None and (digest is None or [t and t.get("groundplan.digest") for t in found] != [digest] * 2):
            return f"{name} points to {ours}, which is no whole pair: {digest}, {found}"
        mirror = "latest_pair" if name == "latest" else name
        theirs = [self.pointed(half, mirror) for half in HALVES]
        return None if theirs == [ours, ours] else f"{name} is {ours} here and {theirs} in MLflow"

    def pointed(self, half: str, name: str) -> int | None:
        try:
            found = self.client.real.get_registered_model(f"{PROJECT}_{self.name}_{half}").aliases.get(name)
        except MlflowException:
            return None
        return int(found) if found is not None else None

    @invariant()
    def no_fault_goes_unseen(self) -> None:
        """An alias is on a whole pair, both halves of it, or a look says that it is not: `up` then mends it."""
        for name in ALIASES:
            row = self.row("alias", f"{self.name}@{name}")
            fault = self.fault(name) if row else None
            if row is None or fault is None:
                continue
            seen = row if row.status == "pending" else KINDS["alias"].observe(self.platform, row)
            assert seen is not None, fault
            assert seen.status in ("pending", "drifted", "failed"), f"{fault}, but it is seen as {seen.status}"

    @invariant()
    def a_declaration_has_one_pair(self) -> None:
        with self.platform.engine.connect() as connection:
            known = registry.pairs_of(connection, PROJECT, self.name)
        assert len({pair["digest"] for pair in known}) == len(known)

    def teardown(self) -> None:
        """One plain `up` without a crash mends everything, whatever came before."""
        if not hasattr(self, "name"):
            return
        self.train(None)
        made = self.row("model", self.name)
        assert made is not None
        assert (made.status, made.message) == ("ready", None)
        observed = KINDS["model"].observe(self.platform, made)
        assert observed is not None
        assert observed.status == "ready"
        for name in ALIASES:
            self.point(name, {}, None)
            row = self.row("alias", f"{self.name}@{name}")
            assert row is not None
            assert row.status in ("ready", "refused"), f"{name}: {row.status} {row.message}"
            assert self.fault(name) is None
            looked = KINDS["alias"].observe(self.platform, row)
            assert looked is not None
            assert looked.status == row.status
        with self.platform.engine.connect() as connection:
            told = replay.replay(trail.every(connection, trail.Filter(project=PROJECT)))
            real = [
                row for table in AUDITED for row in replay.real_rows(connection, table) if row["project"] == PROJECT
            ]
        assert real == [row for table in AUDITED for row in told.rows(table)], "the events do not tell every row"


@pytest.fixture(scope="module")
def real(database: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The platform that all examples share; each has a model of its own."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('machine') / 'mlflow.db'}"
    runtime = replace(database, endpoints={**database.endpoints, "mlflow": uri})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        adapter, objects = MlflowAdapter(runtime), MemoryObjects()
        Machine.client = DyingClient(adapter._client)
        adapter._made = Machine.client
        engine = make_engine(database)
        migrate(engine)
        jobs = MemoryJobs(objects)
        jobs.half = {"model_uri": "s3://b/half", "model_id": None, "run_id": "r"}
        parts: Any = (objects, MemoryFeast(), adapter, jobs, MemoryServe(), MemorySingles())
        Machine.platform = Platform(runtime, engine, *parts)
        _declare_features(Machine.platform)
        yield
        engine.dispose()


def _declare_features(platform: Platform) -> None:
    given = {
        ("entity", "e"): ({"join_key": "k", "type": "string", "description": ""}, {}),
        ("data_source", "s"): (SOURCE, {"uri": "s3://groundplan/s"}),
        ("feature_view", "v"): (VIEW, {"uri": "s3://groundplan/v"}),
        ("feature_service", "fs"): ({"views": {"v": ["f"]}}, {}),
    }
    with platform.engine.begin() as connection:
        for (kind, name), (properties, outputs) in given.items():
            if store.get(connection, PROJECT, kind, name) is None:
                made = store.declare(connection, Resource(PROJECT, kind, name, "d", "d", properties, {}), ANN)
                store.settle(connection, replace(made, outputs=outputs, status="ready"), ANN)


def test_no_order_of_events_leaves_an_alias_on_half_a_pair(real: None) -> None:
    few = settings(
        max_examples=25,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(Machine, settings=few)
