"""A process gives up Unix sockets, for itself and all it starts: Landlock does not guard them.

Behind such sockets on the machine of a local stack are doors without a lock: the supervisor's, the object store's
filer, Ray's. Pairs of sockets, which pipes between processes are made of, stay. Numbers are those of the kernel's
``linux/seccomp.h``, ``linux/filter.h`` and of each architecture's table of calls.
"""

import ctypes
import errno
import platform
import sys
from collections.abc import Sequence

_SET_SECCOMP, _FILTER, _NO_NEW_PRIVILEGES = 22, 2, 38
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x80000000
_AF_UNIX = 1
#: io_uring makes sockets, too, and no filter sees it. The same number everywhere.
_IO_URING_SETUP = 425
#: Where the number of the call, the architecture and the first argument's lower half are.
_NUMBER, _ARCHITECTURE, _FIRST = 0, 4, 16
#: Machine → its architecture's mark, the number of ``socket``, and from which number on calls are another table's.
_KNOWN = {"x86_64": (0xC000003E, 41, 0x40000000), "aarch64": (0xC00000B7, 198, 0xFFFFFFFF)}


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("code", ctypes.POINTER(_Instruction))]


def without_unix_sockets() -> bool:
    """Refuse (EACCES) to make a Unix socket from now on. False where this kernel or machine cannot."""
    known = _KNOWN.get(platform.machine())
    if sys.platform != "linux" or known is None:
        return False
    code = _code(*known)
    program = _Program(len(code), (_Instruction * len(code))(*code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)


def _code(architecture: int, socket: int, foreign: int) -> Sequence[_Instruction]:
    # A jump skips so many instructions when its test holds, and when it does not.
    return [
        _Instruction(_LOAD, 0, 0, _ARCHITECTURE),
        _Instruction(_EQUAL, 1, 0, architecture),
        _Instruction(_RETURN, 0, 0, _KILL),
        _Instruction(_LOAD, 0, 0, _NUMBER),
        _Instruction(_AT_LEAST, 5, 0, foreign),
        _Instruction(_EQUAL, 4, 0, _IO_URING_SETUP),
        _Instruction(_EQUAL, 0, 2, socket),
        _Instruction(_LOAD, 0, 0, _FIRST),
        _Instruction(_EQUAL, 1, 0, _AF_UNIX),
        _Instruction(_RETURN, 0, 0, _ALLOW),
        _Instruction(_RETURN, 0, 0, _REFUSE),
    ]
