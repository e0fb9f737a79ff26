"""The figures of a run, and the table in which they are shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.load.answers import Answer, Flip, percentile
from tests.load.story import Record

#: Seconds after a kill in which a request may still have been sent to the dead replica.
AFTERMATH = 2.0


@dataclass(frozen=True)
class Figures:
    """What is asserted and shown of a run."""

    record: Record

    @property
    def mixed(self) -> list[Answer]:
        """The answers that two versions had a hand in."""
        return [answer for answer in self.record.all if answer.mixed]

    @property
    def failed(self) -> list[Answer]:
        """The requests that had no prediction for an answer."""
        return [answer for answer in self.record.all if not answer.ok]

    @property
    def unexcused(self) -> list[Answer]:
        """The failed ones that cannot have hit a killed replica."""
        stretches = [(kill.at, kill.at + AFTERMATH) for kill in self.record.kills]
        return [answer for answer in self.failed if not any(answer.touches(*each) for each in stretches)]

    @property
    def flips(self) -> list[Flip]:
        """The flips that nothing else disturbed."""
        return [flip for flip in self.record.flips if not flip.disturbed]

    def steady_p99(self) -> float:
        """Seconds, over every stretch in which nothing was done."""
        return self._p99(self.record.rests, whole=True)

    def flip_p99(self) -> float:
        """Seconds, over every undisturbed flip, from its start until the command has its answer."""
        return self._p99([(flip.start, flip.done) for flip in self.flips], whole=False)

    def warming_p99(self) -> float:
        """Seconds, over every undisturbed promotion, from the command until all replicas hold both versions."""
        return self._p99([(flip.asked, flip.moved) for flip in self.flips if not flip.warm], whole=False)

    def _p99(self, stretches: Sequence[tuple[float, float]], whole: bool) -> float:
        within = Answer.within if whole else Answer.touches
        found = [a.seconds for a in self.record.answers if a.ok and any(within(a, *each) for each in stretches)]
        return percentile(found, 0.99)

    def table(self) -> Iterator[str]:
        """Yield the lines that people read."""
        record = self.record
        if not record.answers:
            return
        took = record.answers[-1].received - record.answers[0].sent
        yield f"{'requests':<44}{len(record.all):>9,}"
        yield f"{'  a second':<44}{len(record.answers) / took:>9.1f}"
        yield f"{'mixed':<44}{len(self.mixed):>9}"
        yield f"{'failed (' + str(len(record.kills)) + ' replicas were killed)':<44}{len(self.failed):>9}"
        for name, seconds in (
            ("p99 steady", self.steady_p99()),
            ("p99 during flips", self.flip_p99()),
            ("p99 while a version is warmed", self.warming_p99()),
        ):
            yield f"{name:<44}{1000 * seconds:>9.0f} ms"
        yield from (self._flip(flip) for flip in record.flips)

    def _flip(self, flip: Flip) -> str:
        name = f"flip {flip.old} → {flip.new}, {flip.what}"
        seconds = 1000 * flip.seconds(self.record.answers)
        written = f"from the {'command' if flip.warm else 'alias'}; alias written after {flip.moved - flip.asked:.1f} s"
        return f"{name:<48}{seconds:>5.0f} ms {written}{'; not asserted' if flip.disturbed else ''}"
