"""Renaming that swaps two names, or fails where the new one is taken: one step for all who look, where the system has it."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache
from pathlib import Path
from typing import Any

NO_REPLACE, EXCHANGE = 1, 2
"""Flags of Linux's renameat2(2)."""
HERE = -100
"""AT_FDCWD: paths count from the working folder."""
UNKNOWN = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)
"""What kernels and file systems say that do not have it."""


def renamed(old: Path, new: Path, how: int) -> bool:
    """Rename in that way; False where the system cannot. Raises OSError where it can, and it failed."""
    call = _renameat2()
    if call is None:
        return False
    if call(HERE, os.fsencode(old), HERE, os.fsencode(new), how) == 0:
        return True
    number = ctypes.get_errno()
    if number in UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), str(old), None, str(new))


@cache
def _renameat2() -> Any:
    """The function of the C library; None where there is none."""
    try:
        return ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return None
