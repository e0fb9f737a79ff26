"""What a stack cost before: as it was last deployed, or as a commit declares it; and both as tables."""

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from groundplan.cli._checkout import Checkout
from groundplan.cli._console import print_line, print_table
from groundplan.cli._settings import read_state
from groundplan.compose import environments, load
from groundplan.cost import Bill, Estimate, Range, bill_of, delta
from groundplan.errors import GroundplanError
from groundplan.plan import build_plan

#: What an estimate leaves out.
NOT_IN_IT = "not in it: taxes, traffic to the internet and between zones, support, discounts"


def deployed_bill(checkout: Checkout) -> Bill | None:
    """The bill of what the last `up` deployed; None where there was none, or its state is elsewhere."""
    stacks = (r for r in read_state(checkout.state).get("resources", []) if r["type"] == "pulumi:pulumi:Stack")
    found: dict[str, Any] = (next(stacks, None) or {}).get("outputs", {})
    if "endpoints" not in found:
        return None
    return Bill.from_dict(found["bill"]) if "bill" in found else Bill()


def bill_at(checkout: Checkout, ref: str) -> Bill:
    """The bill of what a commit declares; an environment that is not there costs nothing."""
    with tempfile.TemporaryDirectory(prefix="groundplan-") as folder:
        root = Path(folder)
        _extract(checkout.root, ref, root)
        if checkout.env not in environments(root):
            return Bill()
        try:
            stack, projects = load(root, checkout.env, root / "cache")
        except GroundplanError as error:
            raise GroundplanError(f"what {ref} declares is not valid today: {error}") from error
        return bill_of(stack, build_plan(stack, projects))


def _extract(root: Path, ref: str, to: Path) -> None:
    words = ["git", "-C", str(root), "archive", "--format=tar", ref, "--", "stacks", "projects"]
    done = subprocess.run(words, capture_output=True, timeout=120)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"]
        raise GroundplanError(f"--against {ref}: {why[-1]}; fix: name a commit, branch or tag of {root}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(to, filter="data")


def show_costs(now: Estimate, before: Estimate | None, since: str, lines: bool = False) -> None:
    """Print an estimate for people: by component, by project, what changed, and what kind of number it is."""
    if lines:
        _show_lines(now)
    for title, of in (("component", "by_component"), ("project", "by_project")):
        groups: dict[str, Range] = getattr(now, of)
        changed = delta(getattr(before, of), groups) if before else {}
        names = [*groups, *(name for name in changed if name not in groups)]
        rows = [[n, *_cells(groups.get(n, Range())), _signed(changed.get(n))] for n in names]
        print_table([title, "USD a month, least", "most", "change"], rows)
        print_line()
    _show_total(now, before, since)


def _show_total(now: Estimate, before: Estimate | None, since: str) -> None:
    total = now.total.rounded
    print_line(f"estimated: {total.low:,.2f} to {total.high:,.2f} USD a month")
    if before is not None:
        change = (now.total - before.total).rounded
        print_line(f"change since {since}: {_signed(change) if change else 'none'}")
    for project, (low, high) in now.gpu_hours.items():
        print_line(f"GPU-hours of {project}: {low:,.0f} to {high:,.0f} a month")
    rough = sorted({row.line.item for row in now.rows if row.rough})
    told = f"; approximated: {', '.join(rough)}" if rough else ""
    print_line(f"an estimate from list prices of {now.date} in {now.region}{told}; {NOT_IN_IT}")
    if now.unpriced:
        print_line(f"no price for {', '.join(now.unpriced)}: not in it either; fix: cost: {{prices: {{…}}}}")


def _show_lines(now: Estimate) -> None:
    rows: list[list[Any]] = []
    for row in now.rows:
        line, cost = row.line, row.cost.rounded
        amount = f"{line.low:,.1f} to {line.high:,.1f} {row.unit}"
        cells = [f"{cost.low:,.2f}", f"{cost.high:,.2f}", line.note]
        rows.append([line.component, line.project, line.item, amount, f"{row.usd:g}", *cells])
    print_table(["component", "project", "item", "a month", "USD each", "least", "most", "note"], rows)
    print_line()


def _cells(cost: Range) -> list[str]:
    return [f"{cost.rounded.low:,.2f}", f"{cost.rounded.high:,.2f}"]


def _signed(change: Range | None) -> str:
    if change is None:
        return ""
    if change.low == change.high:
        return f"{change.high:+,.2f}"
    return f"{change.low:+,.2f} to {change.high:+,.2f}"
