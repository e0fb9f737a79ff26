"""Pydantic's errors in the words of people who write YAML."""

import json
from typing import Any

from pydantic_core import ErrorDetails

from groundplan.spec import MEANING

_WHAT = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of names to values",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "literal_error": "is not one of the values allowed",
    "string_pattern_mismatch": "is not written as it must be",
    "string_too_long": "is too long",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "timezone_aware": "has no time zone",
    "datetime_from_date_parsing": "is no instant",
    "datetime_parsing": "is no instant",
    "datetime_type": "is no instant",
}
_ALLOWED = {
    "timezone_aware": "as in 2014-01-01T00:00:00Z",
    "datetime_from_date_parsing": "as in 2014-01-01T00:00:00Z",
    "datetime_parsing": "as in 2014-01-01T00:00:00Z",
    "datetime_type": "as in 2014-01-01T00:00:00Z",
    "bool_type": "true, false",
    "tuple_type": "a list, as in [a, b]",
    "too_short": "at least one",
    "string_too_short": "at least one character",
}
_LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than", "max_length": "at most"}


def what_of(error: ErrorDetails) -> str:
    """Return what is wrong, in one phrase."""
    if any(limit in error.get("ctx", {}) for limit in ("ge", "gt", "le", "lt")):
        return "is out of range"
    return _WHAT.get(error["type"], error["msg"])


def allowed_of(error: ErrorDetails) -> str | None:
    """Return what would be right, if it can be said."""
    context = error.get("ctx", {})
    if error["type"] == "string_pattern_mismatch":
        return MEANING.get(str(context["pattern"]))
    if error["type"] == "literal_error":
        return str(context["expected"]).replace("'", "").replace(" or ", ", ")
    if error["type"] in _ALLOWED:
        return _ALLOWED[error["type"]]
    limits = [f"{words} {context[limit]}" for limit, words in _LIMITS.items() if limit in context]
    return ", ".join(limits) or None


def shown(value: Any) -> str:
    """Return a value as an error shows it: one short line."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = " ".join(text.split()) or "empty text"
    return text if len(text) <= 60 else f"{text[:57]}…"
