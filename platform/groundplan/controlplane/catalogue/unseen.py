"""What the catalogue tells of a model that holds personal data to who may not see that: all but values."""

from typing import Any

from groundplan.controlplane.personal import QUOTING, WITHHELD, verdict

Document = dict[str, Any]


def page(told: Document) -> Document:
    """Return a model's page without values."""
    standing = {name: [_message(each) for each in told[name]] for name in ("aliases", "applications")}
    return {**_message(told), **standing, "versions": [version(each) for each in told["versions"]]}


def version(told: Document) -> Document:
    """Return one pair version without what contracts were answered."""
    return {**told, "gates": [verdict(each) for each in told["gates"]]}


def _message(told: Document) -> Document:
    quotes = told.get("message") is not None and told.get("status") in QUOTING
    return {**told, "message": WITHHELD} if quotes else told
