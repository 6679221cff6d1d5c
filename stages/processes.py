"""Processes of ./stage: each carries its run's mark, so that none is lost and no other is hit.

A run is one call of ./stage that starts processes. Its mark stands in their environment, which
their own children inherit, and names a file that the run keeps locked. When the run dies, however
it dies, the kernel drops the lock: the next call then knows what carries the mark for left over.
"""

import contextlib
import fcntl
import os
import re
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import IO

import click
import psutil
from honcho.colour import get_colours
from honcho.printer import Message, Printer
from honcho.process import Process

from stages.layout import STATE

MARK = "STRATA_RUN"
RUNS = STATE / "runs"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 15.0  # Seconds between asking a process to end and killing it.
QUIET = 2.0  # Seconds until a user is told what is waited for.


@contextlib.contextmanager
def serialised() -> Iterator[None]:
    """Start and stop one at a time among all ./stage processes of this clone."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """Hold Ctrl-C and its kin back until a step is whole; then let it through."""
    received: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        received.append(signum)

    handlers = {signum: signal.signal(signum, note) for signum in STOP_SIGNALS}
    try:
        yield
    finally:
        for signum, handler in handlers.items():
            signal.signal(signum, handler)
    if received:
        os.kill(os.getpid(), received[0])


def run_in_foreground(command: list[str], *, cwd: Path, env: dict[str, str]) -> int:
    """Run a program on our terminal. Ctrl-C reaches it from there; what it means is its affair."""
    handler = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        done = subprocess.run(command, cwd=cwd, env=env, check=False)
    finally:
        signal.signal(signal.SIGINT, handler)
    return done.returncode


@contextlib.contextmanager
def new_run() -> Iterator[str]:
    """A mark for the processes of this call; at its end, none of them is left.

    Every signal to stop becomes a KeyboardInterrupt, Ctrl-C also where a shell had it ignored.
    """
    for signum in STOP_SIGNALS:
        if signum == signal.SIGINT or signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, signal.default_int_handler)
    with serialised():
        stop_leftovers()
        RUNS.mkdir(mode=0o700, exist_ok=True)
        mark = secrets.token_hex(8)
        record = RUNS / mark
        # lockf, not flock: children that fork without exec would inherit a flock and hold it on.
        lock = lock_free(record, create=True)
    try:
        yield mark
    finally:
        with shielded():
            stop(mark)
            record.unlink(missing_ok=True)
            if lock:
                lock.close()


def lock_free(record: Path, *, create: bool = False) -> IO[str] | None:
    """Lock the record of a run; ``None`` when the run is alive and has it."""
    file = record.open("w" if create else "r+")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def stop_leftovers() -> None:
    """Stop what runs that were killed have left behind. Call it serialised."""
    for record in RUNS.glob("*"):
        if lock := lock_free(record):
            with lock:
                stop(record.name)
                record.unlink()


def is_of_dead_run(name: str) -> bool:
    """Whether a name has the mark of a run at its end that goes on no more. Call it serialised."""
    match = re.search(r"_([0-9a-f]{16})(_|$)", name)
    return match is not None and not (RUNS / match[1]).exists()


def marked(mark: str) -> list[psutil.Process]:
    """All processes that carry a mark."""
    found = []
    for process in psutil.process_iter():
        # Other people's processes do not show their environment; they are none of ours.
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found


def stop(mark: str) -> None:
    """Ask all processes of a run to end, and kill those that do not.

    Parents come first: a worker lets its children finish what they are doing, unless they are
    asked as well.
    """
    began = time.monotonic()
    asked, told = set(), False
    # Looked up anew each time, for one that was being born; a zombie shows no mark.
    while processes := marked(mark):
        passed = time.monotonic() - began
        if passed > QUIET and not told:
            click.echo(f"stage: waiting for processes to end, at most {GRACE:.0f} s", err=True)
            told = True
        numbers = {process.pid for process in processes}
        for process in processes:
            with contextlib.suppress(psutil.Error):
                if passed > GRACE:
                    process.kill()
                elif process not in asked and process.ppid() not in numbers:
                    process.terminate()
                    asked.add(process)
        time.sleep(0.02)


class Crew:
    """Processes started from Procfiles, their output merged into one stream.

    honcho's own manager forks a wrapper around each process, which outlives a kill -9 of this one;
    here its processes run on threads.
    """

    def __init__(self, printer: Printer) -> None:
        """Write all output to ``printer``."""
        self._events: SimpleQueue[Message] = SimpleQueue()
        self._printer = printer
        self._colours = get_colours()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, command: str, *, cwd: Path, env: dict[str, str]) -> None:
        """Start one process in a session of its own, out of reach of the terminal's Ctrl-C."""
        process = Process(command, name=name, colour=next(self._colours), env=env, cwd=cwd)
        thread = threading.Thread(target=process.run, args=(self._events,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def relay(self, seconds: float) -> tuple[str, int] | None:
        """Print the next line if one comes in time; tell the name and exit code of who ended."""
        try:
            event = self._events.get(timeout=seconds)
        except Empty:
            return None
        if event.type == "line":
            self._printer.write(event)
        return (event.name, event.data["returncode"]) if event.type == "stop" else None

    def drain(self) -> None:
        """Print what processes that were stopped have still said."""
        for thread in self._threads:
            thread.join(timeout=1)
        while not self._events.empty():
            self.relay(0)
