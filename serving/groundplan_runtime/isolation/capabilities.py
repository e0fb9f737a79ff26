"""A process gives up what root has over others: with them it could read other processes' environments."""

import ctypes
import sys

_VERSION = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def drop() -> None:
    """Drop every capability; who is not root has none. OSError when the kernel refuses."""
    if sys.platform != "linux":
        return
    header, sets = _Header(_VERSION, 0), (_Sets * 2)()
    if ctypes.CDLL(None, use_errno=True).capset(ctypes.byref(header), sets) != 0:
        raise OSError(ctypes.get_errno(), "capabilities cannot be dropped")
