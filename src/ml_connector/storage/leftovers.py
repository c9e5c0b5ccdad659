"""Stops what an earlier owner's server left running.

A process is one of ours when it is a postgres, runs under the server's account and carries the
data folder's name in its command line. The pid in `postmaster.pid` alone proves nothing: after
a restart of the machine or the container it may belong to anybody.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import psutil
import structlog

from ml_connector.storage.accounts import Account
from ml_connector.storage.cluster import cluster_name

# A fast shutdown writes a checkpoint, which takes as long as there is to write; a crash recovery
# instead of it costs the next start about as long.
_FAST_SHUTDOWN = timedelta(seconds=20)
_IMMEDIATE_SHUTDOWN = timedelta(seconds=5)
_POLL = timedelta(milliseconds=20)

log = structlog.get_logger(__name__)


async def stop_leftovers(data: Path, account: Account | None) -> None:
    """End every process of this data folder's server and remove its stale `postmaster.pid`.

    Only the owner of the folder may call this: it ends a running server as well.
    """
    left = server_processes(data, account)
    if left:
        log.info("database_leftovers_found", pids=[process.pid for process in left])
        await _stop(left)
    _reap_orphans()
    # Now nobody runs on this folder, whoever has the pid in here. PostgreSQL itself would refuse
    # to start for as long as that process lives.
    (data / "postmaster.pid").unlink(missing_ok=True)


def server_processes(data: Path, account: Account | None) -> list[psutil.Process]:
    """Return the living processes of this data folder's server, the first of them first."""
    uid = os.geteuid() if account is None else account.uid
    name = cluster_name(data)
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = (
                process.name().startswith("postgres")
                and process.uids().effective == uid
                and any(name in part for part in process.cmdline())
            )
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # gone, or of an account that we may not even look at: not ours
        if is_ours:
            found.append(process)
    return sorted(found, key=lambda process: process.create_time())


async def _stop(processes: Sequence[psutil.Process]) -> None:
    pids = {process.pid for process in processes}
    # Without its postmaster a backend only waits for its client, so it may go at once.
    heads = [process for process in processes if _has_children_in(process, pids)]
    steps = ((signal.SIGQUIT, _IMMEDIATE_SHUTDOWN), (signal.SIGKILL, _IMMEDIATE_SHUTDOWN))
    if heads:
        _send(heads, signal.SIGINT)
        if await _have_ended(processes, within=_FAST_SHUTDOWN):
            return
    for number, patience in steps:
        _send(processes, number)
        if await _have_ended(processes, within=patience):
            return
    # In an uninterruptible wait for the disk; it can write nothing more of its own accord.
    log.warning("database_leftovers_remain", pids=sorted(pids))


def _has_children_in(process: psutil.Process, pids: set[int]) -> bool:
    try:
        return any(child.pid in pids for child in process.children())
    except psutil.NoSuchProcess:
        return False


def _send(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)  # psutil checks that the pid was not given to another
        except psutil.NoSuchProcess:
            continue


async def _have_ended(processes: Sequence[psutil.Process], *, within: timedelta) -> bool:
    deadline = time.monotonic() + within.total_seconds()
    while any(_is_alive(process) for process in processes):
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_POLL.total_seconds())
    return True


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _reap_orphans() -> None:
    """Take dead server processes off the list: as PID 1 we inherit what a killed server left."""
    for child in psutil.Process().children():
        try:
            if child.status() == psutil.STATUS_ZOMBIE and child.name().startswith("postgres"):
                os.waitpid(child.pid, os.WNOHANG)
        except (psutil.NoSuchProcess, ChildProcessError):
            continue  # another part of this process was first
