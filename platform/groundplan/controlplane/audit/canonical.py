"""One spelling for one JSON value: RFC 8785, and what PostgreSQL's numbers add to it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import rfc8785

#: RFC 8785 spells numbers as doubles: whole numbers beyond this one would lose digits.
EXACT = 2**53


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of plain JSON data, in UTF-8.

    The same bytes before the value was kept in a JSONB column and after: PostgreSQL spells 1e300 with all its zeros.
    Whole numbers that no double means exactly are ``{"$integer": "…"}``. ValueError for NaN and infinities.
    """
    return rfc8785.dumps(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= EXACT:
        return _large(value)
    return value


def _large(value: int) -> Any:
    try:
        double = float(value)
    except OverflowError:
        return {"$integer": str(value)}
    return double if Decimal(repr(double)) == value else {"$integer": str(value)}
