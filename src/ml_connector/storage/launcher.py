"""Becomes a program of PostgreSQL, in its folder and under its account.

Run as a script of its own and not imported: changing the account and asking to die with the
parent must happen in the child, and Python code between fork and exec may hang when the parent
has threads. It needs the standard library alone, so that it starts in a few milliseconds.

Arguments: the parent's pid, uid, gid (-1: stay who we are), the folder, the program, its
arguments.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)
_LEAVE_AS_IT_IS = -1
_PRIVATE = 0o077  # umask: what the server writes is for its own account
_CANNOT_EXECUTE = 126  # as a shell says it


def main(arguments: list[str]) -> None:
    """Change folder and account, then become the program."""
    parent, uid, gid = (int(text) for text in arguments[:3])
    folder, program, *rest = arguments[3:]
    # First the folder, then the account: the account need not reach the folder by its path.
    os.chdir(folder)
    os.umask(_PRIVATE)
    if uid != _LEAVE_AS_IT_IS:
        if os.getgroups():
            os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    _die_with(parent)
    try:
        os.execv(program, [program, *rest])  # noqa: S606 - no shell is wanted
    except OSError as exc:
        sys.stderr.write(f"{program}: {exc.strerror}\n")
        sys.exit(_CANNOT_EXECUTE)


def _die_with(parent: int) -> None:
    """Ask the kernel for a SIGINT, PostgreSQL's fast shutdown, when the parent dies.

    After the change of account, which would clear the wish. Other systems than Linux have no
    such thing; there the next owner stops what was left.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before the wish was made
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
