"""The platform's own images: what they are made from, how they are called, how they are built."""

from groundplan.images.tags import IMAGES, SOURCES, tags

__all__ = ["IMAGES", "SOURCES", "tags"]
