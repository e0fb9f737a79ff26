"""What all spec models share: the frozen base and the small types (names, durations, paths, instants)."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

NAME_PATTERN = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
COLUMN_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
DURATION_PATTERN = r"^[1-9][0-9]{0,5}[smhdw]$"
_SEGMENT = r"\.?[A-Za-z0-9_\-][A-Za-z0-9_.\-]*"  # never "." or ".."
_PATH = rf"{_SEGMENT}(/{_SEGMENT})*"
SQL_PATTERN = rf"^{_PATH}\.sql$"
PYTHON_PATTERN = rf"^{_PATH}\.py:[A-Za-z_][A-Za-z0-9_]*$"
FILE_PATTERN = rf"^{_PATH}$"
ISSUER_PATTERN = r"^(local|https://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~\-]+)*/?)$"
EMAIL_PATTERN = r"^[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+$"
DATA_PATTERN = rf"^(s3://[a-z0-9.\-]+/[^\s]+|{_PATH})$"
#: An address without a password in it: plans and logs show it.
URL_PATTERN = r"^https?://[A-Za-z0-9.\-\[\]:]+(/[^\s@?#]*)?$"
QUANTITY_PATTERN = r"^[1-9][0-9]{0,6}(Mi|Gi|Ti)$"
CIDR_PATTERN = r"^([0-9]{1,3}\.){3}[0-9]{1,3}/([0-9]|[12][0-9]|3[0-2])$"
_HOST = r"[a-z0-9]([a-z0-9.\-]*[a-z0-9])?(:[0-9]{1,5})?"
REGISTRY_PATTERN = rf"^{_HOST}(/[a-z0-9]+([._\-]+[a-z0-9]+)*)*$"
IMAGE_PATTERN = rf"^{_HOST}(/[a-z0-9]+([._\-]+[a-z0-9]+)*)+(:[A-Za-z0-9._\-]+)?@sha256:[0-9a-f]{{64}}$"

#: What each pattern means, in words: shown as "allowed" in an error.
MEANING = {
    NAME_PATTERN: "lower-case letters, digits and single underscores, beginning with a letter, at most 40 characters",
    COLUMN_PATTERN: "letters, digits and underscores, not beginning with a digit",
    DURATION_PATTERN: "a whole number and s, m, h, d or w, as in 30m, 3h, 28d",
    SQL_PATTERN: "a .sql file inside the project folder, as in features/weather.sql",
    PYTHON_PATTERN: "a function in a file inside the project folder, as in features/delays.py:build",
    FILE_PATTERN: "a relative path without '..'",
    URL_PATTERN: "http(s)://host[:port][/path], without a password",
    ISSUER_PATTERN: "local, or an issuer's address, as in https://login.example.org/realms/ml",
    EMAIL_PATTERN: "an address, as in ana@example.org",
    QUANTITY_PATTERN: "a whole number and Mi, Gi or Ti, as in 512Mi, 32Gi",
    CIDR_PATTERN: "an IPv4 network, as in 10.20.0.0/16, or one address, as in 10.20.0.7/32",
    REGISTRY_PATTERN: "a registry, or a folder of one, as in registry.example.org/ml",
    IMAGE_PATTERN: "an image by digest, as in registry.example.org/falco@sha256:… (64 hex digits)",
    DATA_PATTERN: "a file inside the project folder, or s3://bucket/key",
}

Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=40)]
Column = Annotated[str, Field(pattern=COLUMN_PATTERN, max_length=63)]
Duration = Annotated[str, Field(pattern=DURATION_PATTERN)]
SqlFile = Annotated[str, Field(pattern=SQL_PATTERN)]
PythonRef = Annotated[str, Field(pattern=PYTHON_PATTERN)]
FilePath = Annotated[str, Field(pattern=FILE_PATTERN)]
Issuer = Annotated[str, Field(pattern=ISSUER_PATTERN)]
Email = Annotated[str, Field(pattern=EMAIL_PATTERN, max_length=254)]
DataPath = Annotated[str, Field(pattern=DATA_PATTERN)]
Url = Annotated[str, Field(pattern=URL_PATTERN, max_length=1024)]
FieldType = Literal["string", "int64", "float64", "bool", "timestamp"]
Instant = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Model(BaseModel):
    """Base of everything that people write: frozen, strict, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def seconds(duration: str) -> int:
    """Return the length of a duration such as ``3h`` in seconds. ValueError when it is not one."""
    if not re.match(DURATION_PATTERN, duration):
        raise ValueError(f"{duration!r} is no duration; allowed: {MEANING[DURATION_PATTERN]}")
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def instant_text(at: datetime) -> str:
    """Return an instant the one way it is written in plans: UTC, ISO 8601, ending in ``Z``."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
