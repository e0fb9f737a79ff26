from pathlib import Path

import pytest

from groundplan.tools.versions import PULUMI_MINIMUM, PULUMI_PINNED, parse, version_of
from tests.unit.tools.conftest import Fake


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v3.250.0", (3, 250, 0)),
        ("3.259.1-alpha.17", (3, 259, 1)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.26 linux/amd64", (1, 26, 0)),
        ("unknown", None),
    ],
)
def test_parse(text: str, expected: object) -> None:
    assert parse(text) == expected


def test_versions_compare_as_numbers() -> None:
    assert parse("v3.99.9") < PULUMI_MINIMUM <= parse(PULUMI_PINNED)  # type: ignore[operator]


def test_a_program_that_fails_or_is_missing_has_no_version(tmp_path: Path, fake: Fake) -> None:
    assert version_of([str(tmp_path / "absent")]) is None
    assert version_of([str(fake(tmp_path / "broken", "echo v3.250.0; exit 1"))]) is None
    assert version_of([str(fake(tmp_path / "good", "echo v3.251.0"))]) == (3, 251, 0)
