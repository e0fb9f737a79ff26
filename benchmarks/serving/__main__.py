"""``make bench-serving``: every contender, one after the other, in rounds; a table, ratios, goals, and JSON."""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from benchmarks.serving import environment, vegeta
from benchmarks.serving.contenders import CONTENDERS, Contender
from benchmarks.serving.material import Material, prepare
from benchmarks.serving.measure import How, measured
from benchmarks.serving.report import document, text
from benchmarks.serving.running import ContenderFailed, Cores, pin
from tests.support.clone import ROOT, make_clone

from groundplan.local import processes
from groundplan.local.folder import Folder
from groundplan.local.supervisor import Supervisor

#: Of the stack, not needed once its pair is known, and not idle.
NOT_NEEDED = ("ray", "controlplane")


def main() -> None:
    """Measure what is asked for."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended then too
    chosen = [each for each in CONTENDERS if not given.contenders or each.name in given.contenders]
    quick = How(8, 2, 100, vegeta.ensure()) if given.quick else How(20, 5, 1000, vegeta.ensure())
    python, cores = environment.ensure(), Cores.of_machine()
    with _stack(given.stack) as stack, tempfile.TemporaryDirectory(prefix="gpb", dir="/tmp") as name:
        material = prepare(stack, Path(name))
        _calm(stack, cores, stop=given.stack is None)
        found = _rounds(chosen, material, python, cores, quick, 1 if given.quick else given.rounds)
    made = document(found, cores, quick)
    given.output.write_text(json.dumps(made, indent=2) + "\n")
    print(text(made))
    if any(len(rounds) == 0 for rounds in found.values()):
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--quick", action="store_true", help="one short round")
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--contenders", nargs="*", default=[], help=f"of {', '.join(each.name for each in CONTENDERS)}")
    words.add_argument("--stack", type=Path, help="a checkout whose local stack runs; default: a clone, made and ended")
    words.add_argument("--output", type=Path, default=ROOT / "serving-benchmark.json")
    return words.parse_args()


@contextmanager
def _stack(path: Path | None) -> Iterator[Path]:
    """A checkout whose stack is up; a clone of our own is ended however the block is left."""
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        clone = make_clone(Path(folder) / "clone")
        try:
            clone.run("make", "up")
            yield clone.path
        finally:
            clone.stop()


def _calm(stack: Path, cores: Cores, stop: bool) -> None:
    """Stop what is not asked while we measure; what is (Valkey, and the log's store) leaves the contender's CPU."""
    root = (stack / ".groundplan/local").resolve()
    if stop:
        supervisor = Supervisor(Folder(root, json.loads((root / "runtime.json").read_text())["stack_id"]))
        for name in NOT_NEEDED:
            supervisor.stop(name)
    pin(processes.of_folder(root), cores.others)


def _rounds(
    chosen: list[Contender], material: Material, python: Path, cores: Cores, how: How, rounds: int
) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {each.name: [] for each in chosen}
    wanted: list[list[float]] = []
    for number in range(rounds):
        for contender in chosen:
            try:
                figures = measured(contender, material, python, cores, how, wanted)
            except (
                ContenderFailed,
                httpx.HTTPError,
            ) as error:
                # The others are measured all the same; the table shows the gap.
                print(f"round {number + 1} {contender.name} FAILED: {error or type(error).__name__}", flush=True)
                continue
            found[contender.name].append(figures)
            shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
            print(f"round {number + 1} {contender.name}: {shown}", flush=True)
    return found


if __name__ == "__main__":
    main()
