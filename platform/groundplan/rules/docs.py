"""The table of rules as the documentation shows it: ``python -m groundplan.rules.docs`` writes it into the page."""

from pathlib import Path

from groundplan.rules.table import RULES

PAGE = "docs/policies.md"
_BEGIN, _END = "checked by a test -->\n", "<!-- /rules -->"


def markdown() -> str:
    """Return the table: one row a rule."""
    rows = [f"| `{each.id}` | {each.refuses} | {each.why} | {each.fix} |" for each in RULES]
    return "\n".join(["| rule | refuses | why | fix |", "|---|---|---|---|", *rows])


def page(text: str) -> str:
    """Return the page with the table as it is now. ValueError when its marks are missing."""
    before, mark, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not mark or not end:
        raise ValueError(f"{PAGE}: the marks around the table are missing")
    return f"{before}{mark}{markdown()}\n{end}{after}"


if __name__ == "__main__":
    path = Path(PAGE)
    path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")
