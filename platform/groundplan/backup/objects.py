"""``python -m groundplan.backup.objects save|restore <folder> [keep=<n>|<backup>]``: all objects of the buckets.

An object that is as it was in the backup before is linked to it: a backup costs what has changed.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from groundplan.backup.folder import LATEST, Backups
from groundplan.errors import GroundplanError, ServiceError
from groundplan_runtime.config import Runtime
from groundplan_runtime.setup_bucket import client, kept_bucket, make_bucket, make_kept_bucket

KEEP = 7
TAGS = "objects.json"


def main() -> int:
    """Save or restore; prints what it did. Returns 1, with one line, when it could not."""
    what, root, more = (*sys.argv[1:3], *sys.argv[3:4], "")[:3]
    try:
        runtime = Runtime.load()
        done = (
            save(runtime, Path(root), int(more.partition("=")[2] or KEEP))
            if what == "save"
            else restore(runtime, Path(root), more or LATEST)
        )
    except GroundplanError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{what}: {done} objects\n")
    return 0


def save(runtime: Runtime, root: Path, keep: int) -> int:
    """Add every object to the backup that is being written, and finish it; return how many there are."""
    backups, s3 = Backups(root), client(runtime)
    folder, before = backups.unfinished(), next(reversed(backups.whole()), None)
    known = json.loads((before / TAGS).read_text()) if before else {}
    tags: dict[str, str] = {}
    for bucket, key, tag in _all(s3, runtime):
        path = f"{bucket}/{key}"
        tags[path] = tag
        old = before / "objects" / _file(path) if before and known.get(path) == tag else None
        _fetch(s3, bucket, key, folder / "objects" / _file(path), old)
    (folder / TAGS).write_text(json.dumps(tags, indent=1, sort_keys=True))
    backups.finish(keep)
    return len(tags)


def restore(runtime: Runtime, root: Path, name: str) -> int:
    """Put every object of a backup back; what has come since stays. Returns how many."""
    folder, s3 = Backups(root).named(name), client(runtime)
    make_bucket(s3, runtime.bucket)
    make_kept_bucket(s3, kept_bucket(runtime.bucket))
    there = {f"{bucket}/{key}": tag for bucket, key, tag in _all(s3, runtime)}
    wanted: Mapping[str, str] = json.loads((folder / TAGS).read_text())
    for path in (path for path, tag in wanted.items() if there.get(path) != tag):
        bucket, key = path.split("/", 1)
        s3.upload_file(str(folder / "objects" / _file(path)), bucket, key)
    return len(wanted)


def _all(s3: Any, runtime: Runtime) -> Iterator[tuple[str, str, str]]:
    for bucket in (runtime.bucket, kept_bucket(runtime.bucket)):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page.get("Contents", ()):
                yield bucket, each["Key"], each["ETag"]


def _fetch(s3: Any, bucket: str, key: str, target: Path, old: Path | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if old is not None and old.exists():
        os.link(old, target)
        return
    try:
        s3.download_file(bucket, key, str(target))
    except s3.exceptions.ClientError as error:
        raise ServiceError(f"{bucket}/{key} cannot be read: {error}") from None


def _file(path: str) -> str:
    """A file's name for any key: one may be a folder of another, or longer than a file's name may be."""
    digest = hashlib.sha256(path.encode()).hexdigest()
    return f"{digest[:2]}/{digest}"


if __name__ == "__main__":
    sys.exit(main())
