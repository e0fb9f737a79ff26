import io
import tarfile
from pathlib import Path

import httpx
import pytest

from groundplan.errors import ToolError
from groundplan.tools.release import download, release_url


def archive() -> bytes:
    """A release: its programs lie in one folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("pulumi/pulumi")
        member.mode, member.size = 0o755, 4
        tar.addfile(member, io.BytesIO(b"#!sh"))
    return buffer.getvalue()


def test_the_programs_land_in_the_folder(tmp_path: Path) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=archive())

    folder = tmp_path / "bin"
    folder.mkdir()
    download("3.250.0", folder, httpx.MockTransport(answer))
    assert asked == [release_url("3.250.0")]
    assert [(p.name, p.stat().st_mode & 0o777) for p in folder.iterdir()] == [("pulumi", 0o755)]
    assert list(tmp_path.iterdir()) == [folder]


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route", request=request)


@pytest.mark.parametrize(
    "answer",
    [unreachable, lambda _: httpx.Response(403), lambda _: httpx.Response(200, content=b"<html>a proxy's page</html>")],
    ids=["no route", "refused", "no archive"],
)
def test_a_site_that_cannot_be_reached_is_one_line(tmp_path: Path, answer: object) -> None:
    (tmp_path / "bin").mkdir()
    with pytest.raises(ToolError, match="the official release cannot be had"):
        download("3.250.0", tmp_path / "bin", httpx.MockTransport(answer))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == [tmp_path / "bin"]
