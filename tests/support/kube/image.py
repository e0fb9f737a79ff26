"""Container images without a registry or a builder: a folder becomes an OCI archive that containerd imports."""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Who a pod runs as in these images: Pod Security ``restricted`` wants to know that it is not root.
USER = 65534
TREE = "application/vnd.oci.image"


@dataclass(frozen=True)
class Image:
    """An image: its full name, the folders that lie over each other as its root file system, what runs in it."""

    name: str
    layers: tuple[Path, ...]
    entrypoint: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int = USER


def save(image: Image, target: Path) -> str:
    """Write the image as an OCI archive and return the digest of its manifest (``sha256:…``).

    Same content, same digest: owners are root, times are zero, names are sorted. A layer may be a folder, or the
    archive that :func:`pack` made of one.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        layers = [
            each if each.is_file() else pack(each, Path(scratch) / f"{n}.tar") for n, each in enumerate(image.layers)
        ]
        digests = {_digest_of(each): each for each in layers}
        blobs: dict[str, bytes] = {}
        digest = _describe(image, blobs, {name: each.stat().st_size for name, each in digests.items()})
        with tarfile.open(target, "w") as archive:
            _put(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
            _put(archive, "index.json", blobs.pop("index"))
            for name, content in blobs.items():
                _put(archive, _place(name), content)
            for name, file in digests.items():
                archive.add(file, arcname=_place(name), filter=_anonymous)
    return digest


def pack(folder: Path, target: Path) -> Path:
    """Write a folder as one layer, whole or not at all; return ``target``."""
    scratch = target.with_suffix(".part")
    with tarfile.open(scratch, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(os.listdir(folder)):
            archive.add(folder / name, arcname=name, filter=_anonymous)
    return scratch.rename(target)


def _describe(image: Image, blobs: dict[str, bytes], layers: Mapping[str, int]) -> str:
    """Fill in the image's documents; return the digest of its manifest. ``layers``: digest → size, lowest first."""
    run = {"Env": [f"{k}={v}" for k, v in sorted(image.environment.items())], "User": str(image.user)}
    run |= {"Entrypoint": list(image.entrypoint)} if image.entrypoint else {}
    system = {"type": "layers", "diff_ids": list(layers)}
    config = {"architecture": "amd64", "os": "linux", "config": run, "rootfs": system}
    kind = f"{TREE}.layer.v1.tar"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{TREE}.manifest.v1+json",
        "config": _reference(blobs, _keep(blobs, _json(config)), f"{TREE}.config.v1+json"),
        "layers": [{"mediaType": kind, "digest": name, "size": size} for name, size in layers.items()],
    }
    digest = _keep(blobs, _json(manifest))
    index = _reference(blobs, digest, f"{TREE}.manifest.v1+json")
    index["annotations"] = {"io.containerd.image.name": image.name, "org.opencontainers.image.ref.name": image.name}
    blobs["index"] = _json({"schemaVersion": 2, "manifests": [index]})
    return digest


def _digest_of(file: Path) -> str:
    with file.open("rb") as content:
        return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"


def _place(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _keep(blobs: dict[str, bytes], content: bytes) -> str:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    blobs[digest] = content
    return digest


def _reference(blobs: Mapping[str, bytes], digest: str, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest, "size": len(blobs[digest])}


def _put(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
