"""Rules about what a pod runs: which bytes, from where."""

import re
from collections.abc import Mapping
from typing import Any

from groundplan.rules.model import Rule, Settings

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
#: Tags that are never moved: the digest of what our own images are made from, and a version.
_TAG = ":([0-9a-f]{16}|v?[0-9]+([.][0-9]+)+)$"


def _pinned(container: Mapping[str, Any], settings: Settings) -> bool:
    image = container.get("image", "")
    if _DIGEST.search(image) or image in settings.images:
        return True
    return _named(image, settings) and bool(re.search(_TAG, image))


def _named(image: str, settings: Settings) -> bool:
    return any(image.startswith(f"{name}:") for name in settings.names)


def _own_registry(container: Mapping[str, Any], settings: Settings) -> bool:
    image = container.get("image", "")
    if image in settings.images or _named(image, settings):
        return True
    return any(image.startswith(f"{registry}/") for registry in settings.registries)


UNPINNED_IMAGE = Rule(
    "unpinned-image",
    "an image named by a tag",
    "A tag can be moved: what runs tomorrow is not what was scanned today.",
    "name the image by digest: registry/name@sha256:…",
    "any_container",
    "has(c.image) && (c.image.matches('@sha256:[0-9a-f]{64}$') || c.image in $images"
    f" || ($names.exists(n, c.image.startsWith(n + ':')) && c.image.matches('{_TAG}')))",
    _pinned,
)
FOREIGN_REGISTRY = Rule(
    "foreign-registry",
    "an image from a registry that the stack does not name",
    "Nobody here scans it, signs for it, or keeps it there.",
    "copy the image into a registry of the stack, or add its registry to admission.registries",
    "any_container",
    "has(c.image) && (c.image in $images || $names.exists(n, c.image.startsWith(n + ':'))"
    " || $registries.exists(r, c.image.startsWith(r + '/')))",
    _own_registry,
)
