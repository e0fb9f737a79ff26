"""Landlock: a process gives up, for itself and all it starts, every file and port but those it names. Linux 5.13+.

No privilege is needed, and root is bound by it like anybody. A process that is restricted can neither trace nor read
the memory or environment of one that is not. Numbers are those of the kernel's ``linux/landlock.h``.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PATH, _PORT = 1, 2
_NO_NEW_PRIVILEGES = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_IOCTL = 1 << 15
#: All rights over files that each version of the interface knows: 13, then refer, truncate, ioctl.
_ALL = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_READ = _EXECUTE | _READ_FILE | _READ_DIR
#: Rights that make sense for what is no folder.
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | (1 << 14) | _IOCTL
_BIND, _CONNECT = 1, 2
#: Abstract sockets of others, signals to others.
_SCOPES = 3


class _Rules(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("ports", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


class _Port(ctypes.Structure):
    _fields_ = [("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64)]


def version() -> int:
    """Return the version of the kernel's interface; 0 where there is none. Ports since 4, signals since 6."""
    return max(0, _call(_CREATE, None, 0, 1)) if sys.platform == "linux" else 0


def restrict(read: Iterable[Path], write: Iterable[Path], ports: Iterable[int]) -> int:
    """Keep only these: files and folders to read and run, to change as well, and ports of TCP to connect to.

    Returns the interface's version: 0, and nothing is restricted, where the kernel has none. OSError when it refuses.
    """
    known = version()
    if known == 0:
        return 0
    all_files = _ALL[min(known, max(_ALL))]
    rules = _Rules(all_files, _BIND | _CONNECT if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    made = _checked(_call(_CREATE, ctypes.byref(rules), ctypes.sizeof(rules), 0))
    for path in read:
        _beneath(made, path, _READ)
    for path in write:
        _beneath(made, path, all_files)
    for port in ports if known >= 4 else ():
        rule = _Port(_CONNECT, port)
        _checked(_call(_ADD, made, _PORT, ctypes.byref(rule), 0))
    _checked(ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(_call(_RESTRICT, made, 0))
    os.close(made)
    return known


def _beneath(rules: int, path: Path, allowed: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # what is not there needs no right
    try:
        if not stat.S_ISDIR(os.fstat(folder).st_mode):
            allowed &= _OF_FILES
        rule = _Beneath(allowed, folder)
        _checked(_call(_ADD, rules, _PATH, ctypes.byref(rule), 0))
    finally:
        os.close(folder)


def _call(number: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(number, *arguments))


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return answer
