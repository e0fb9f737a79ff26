"""Composed configurations by content digest. A cache that is lost, damaged or shared costs time, never correctness."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

#: Part of every key: raise it when what is stored, or how it is made, changes.
FORMAT = "1"


class Cache:
    """One file a configuration: a digest of the rest, the key, the document. Written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str, key: str) -> Any | None:
        """Return the document stored under a name for this key, or ``None``: also when the file is damaged."""
        try:
            digest, _, rest = (self._folder / f"{name}.json").read_bytes().partition(b"\n")
            stored, _, body = rest.partition(b"\n")
            if stored != key.encode() or digest != hashlib.sha256(rest).hexdigest().encode():
                return None
            return json.loads(body)
        except (OSError, ValueError):
            return None

    def put(self, name: str, key: str, document: Any) -> None:
        """Store a document. A folder that cannot be written is no error: the next run composes again."""
        rest = f"{key}\n{json.dumps(document, separators=(',', ':'))}".encode()
        target = self._folder / f"{name}.json"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".tmp-")
        except OSError:
            return
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
            os.replace(temporary, target)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
