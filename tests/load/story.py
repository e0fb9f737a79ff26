"""What happens under the load, in its order: trainings, promotions, rollbacks, kills, more replicas, a restart."""

import time
from dataclasses import dataclass, field

from tests.load.answers import Answer, Flip
from tests.load.generator import Load, until
from tests.load.stage import RECOVERY, Stage

#: Requests under way at any moment, how many answers there must be in the end, and in a stretch without events.
WORKERS, WANTED, REST = 4, 10_000, 150
#: What is added to make a tier grow: workers, and requests that are hard work for a model; and which one grows.
STEP, HARD, GROWS = 32, ("hard",), "ModelService"
#: Workers and answers of the last look at every replica.
MANY, LAST = 16, 400


@dataclass(frozen=True)
class Kill:
    """A replica that was killed: of which tier, when, and when there was another one (unix seconds)."""

    deployment: str
    at: float
    back: float


@dataclass
class Record:
    """What was done when (unix seconds), and every answer. ``rests``: stretches in which nothing was done.

    ``answers`` are those to the constant load, ``beside`` those to the step of load, ``afterwards`` the last ones.
    """

    first: int
    answers: list[Answer] = field(default_factory=list)
    beside: list[Answer] = field(default_factory=list)
    afterwards: list[Answer] = field(default_factory=list)
    flips: list[Flip] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    rests: list[tuple[float, float]] = field(default_factory=list)

    @property
    def all(self) -> list[Answer]:
        """Every answer while things happened."""
        return [*self.answers, *self.beside]

    @property
    def serves(self) -> int:
        """The version that is asked for now."""
        return self.flips[-1].new if self.flips else self.first


def live_through(stage: Stage, record: Record) -> None:
    """Do all of it under load. Begins with pair versions 1 and 2, and the alias held at ``record.first``."""
    with Load(stage.url, stage.shown, WORKERS) as load:
        record.answers = load.answers
        for chapter in (trained, rolled_back, replicas_killed, scaled, control_plane_killed):
            chapter(stage, load, record)
            rest(load, record)
        rest(load, record, WANTED - len(load.answers))
    with Load(stage.url, stage.shown, MANY) as load:
        load.further(LAST)
    record.afterwards = load.answers


def rest(load: Load, record: Record, answers: int = REST) -> None:
    """Let the load go on alone for some answers."""
    record.rests.append(load.further(max(answers, REST)))


def trained(stage: Stage, load: Load, record: Record) -> None:
    """An `up` trains version 3 while the alias is held; released, the alias is promoted to it, cold."""
    rest(load, record, 2 * REST)
    stage.declare_version(3)
    stage.up()
    rest(load, record)
    record.flips.append(stage.release("promotion by release", warm=False))


def rolled_back(stage: Stage, load: Load, record: Record) -> None:
    """Back and forth between two warm versions, then to a cold one and back."""
    for version in (1, 3) * 3:
        rest(load, record)
        what = "rollback" if version < record.serves else "back again"
        record.flips.append(stage.move(version, what, warm=True))
    rest(load, record)
    record.flips.append(stage.move(2, "promotion by hand", warm=False))
    rest(load, record)
    record.flips.append(stage.move(3, "rollback", warm=True))


def replicas_killed(stage: Stage, load: Load, record: Record) -> None:
    """One replica of each tier is killed, and the alias moves while the next one starts and loads."""
    for deployment in stage.deployments():
        at, back = time.time(), stage.kill_replica(deployment)
        load.further(REST)
        other = 5 - record.serves
        record.flips.append(stage.move(other, f"while {deployment} starts", warm=True, disturbed=True))
        until(back, f"{deployment} has as many replicas as before", RECOVERY)
        record.kills.append(Kill(deployment, at, time.time()))
        rest(load, record)


def scaled(stage: Stage, load: Load, record: Record) -> None:
    """A step of load makes the model's tier grow, and the alias moves while its new replica starts and loads."""
    before = len(stage.replicas(GROWS))
    with Load(stage.url, stage.shown, STEP, HARD) as step:
        until(lambda: len(stage.replicas(GROWS)) > before, f"{GROWS} grows", RECOVERY)
        record.flips.append(stage.move(5 - record.serves, f"while {GROWS} grows", warm=True, disturbed=True))
        until(lambda: len(stage.running(GROWS)) > before, f"{GROWS} has grown", RECOVERY)
        step.further(REST)
    record.beside += step.answers


def control_plane_killed(stage: Stage, load: Load, record: Record) -> None:
    """The control plane is killed in the middle of a promotion, comes back and finishes it; then a rollback."""
    before, asked = record.serves, time.time()
    operation = stage.begin_move(1, "the control plane is killed")
    until(lambda: any("warming" in m["text"] for m in stage.operation(operation)["messages"]), "it warms version 1")
    stage.kill_control_plane()
    until(stage.healthy, "the control plane is back", RECOVERY)
    record.flips.append(stage.ended(operation, asked, "promotion, control plane killed", warm=False, disturbed=True))
    rest(load, record)
    record.flips.append(stage.move(before, "rollback", warm=True))
