"""A folder as one file and back: the same bytes for the same folder, whoever packs it and when."""

import io
import tarfile
from pathlib import Path

from groundplan.controlplane.problem import ApiProblem

#: What MLflow writes beside the files of a half that it reads by a registered number; another one another time.
NUMBER = "registered_model_meta"


def pack(folder: Path) -> bytes:
    """Return a folder as a tar: sorted, without times, owners and modes, and without the number that it was read by."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file() and each.name != NUMBER):
            data = path.read_bytes()
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return target.getvalue()


def unpack(data: bytes, folder: Path) -> Path:
    """Write a tar's files into a folder; return it. ApiProblem 422 for no tar, or one that would leave the folder."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise ApiProblem(422, f"is no half of a pair: {error}", path="files") from None
    return folder
