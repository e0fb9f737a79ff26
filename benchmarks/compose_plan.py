"""1,000 generated projects: compose and validate (cold, warm), plan; and Hydra with checks against a plain merge.

Run: ``.venv/bin/python -m benchmarks.compose_plan [number of projects]``. Prints JSON.
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "platform")]

from groundplan.compose import load  # noqa: E402
from groundplan.plan import build_plan  # noqa: E402
from groundplan.scaffold import new_project  # noqa: E402


def main(count: int) -> dict[str, Any]:
    """Return the figures for a number of projects; seconds are wall time on this machine."""
    root = Path(tempfile.mkdtemp(prefix="groundplan-bench-"))
    try:
        names = _generate(root, count)
        cold, _ = _timed(lambda: load(root, "local"))
        warm, loaded = _timed(lambda: load(root, "local"))
        planning, plan = _timed(lambda: build_plan(*loaded))
        plain, _ = _timed(lambda: [_merge(root / "projects" / name) for name in names])
        return {
            "projects": count,
            "nodes": len(plan.nodes),
            "compose_validate_cold_s": round(cold, 2),
            "compose_validate_warm_s": round(warm, 2),
            "plan_s": round(planning, 2),
            "plain_merge_s": round(plain, 2),
            "cold_to_plain_merge": round(cold / plain, 1),
            "warm_to_plain_merge": round(warm / plain, 1),
        }
    finally:
        shutil.rmtree(root)


def _generate(root: Path, count: int) -> list[str]:
    names = [f"project{n}" for n in range(count)]
    for name in names:
        new_project(root, name)
    (root / "stacks").mkdir()
    stack = {"name": "local", "target": "local", "projects": names}
    (root / "stacks" / "local.yaml").write_text(json.dumps(stack))
    return names


def _merge(folder: Path) -> Any:
    """What composition costs at least: both files of the project read and merged by OmegaConf."""
    training = {"training": OmegaConf.load(folder / "training" / "sales.yaml")}
    merged = OmegaConf.merge(training, OmegaConf.load(folder / "project.yaml"))
    return OmegaConf.to_container(merged, resolve=True)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000), indent=2))
