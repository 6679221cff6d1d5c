"""Make or refresh .venv from the lock. Runs on a bare Python: standard library only."""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "stages" / "requirements.lock"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "requirements.lock"  # The lock that is installed, written last.
LOG = ROOT / ".strata" / "bootstrap.log"
LOCKED = ["--require-hashes", "--only-binary=:all:", "-r"]
UV = re.compile(r"^uv==.*\n(?:    .*\n)+", re.MULTILINE)  # its lines in the lock

NO_VENV = (
    "this Python ({python}) has no venv and ensurepip modules; install them"
    " (Debian and Ubuntu: apt install python3-venv) or name another Python: PYTHON=/path ./stage"
)
NO_NETWORK = (
    "no package index could be reached; check the network or name a mirror"
    " (PIP_INDEX_URL, PIP_CERT or pip.conf are honoured), then run ./stage again"
)
UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|SSLError"
)


class BootstrapError(Exception):
    """What went wrong and the way out, in one line."""


def say(text: str, end: str = "\n") -> None:
    """Tell the user on standard error; standard output belongs to the command."""
    print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Let two first calls build one after the other; the second then finds the work done."""
    LOG.parent.mkdir(exist_ok=True)
    with (LOG.parent / "bootstrap.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("stage: another call is making the environment; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_current() -> bool:
    """Whether the environment is whole and of this lock."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_bytes() == LOCK.read_bytes()


def make_venv() -> None:
    """Make an empty environment, in place of one that was never finished or lost its Python."""
    if not (find_spec("venv") and find_spec("ensurepip")):
        raise BootstrapError(NO_VENV.format(python=sys.executable))
    shutil.rmtree(VENV, ignore_errors=True)
    command = [sys.executable, "-m", "venv", str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        LOG.write_text(done.stdout + done.stderr, encoding="utf-8")
        raise BootstrapError(f"python -m venv failed; its words are in {LOG.relative_to(ROOT)}")


def install() -> None:
    """Install the lock: uv by pip, and the rest by uv, in a tenth of the time that pip takes.

    uv does not read the settings of pip. Where its own lead to no index, pip installs the rest too.
    """
    pip = [str(PYTHON), "-I", "-m", "pip", "install", "--progress-bar=off", "--retries=2"]
    uv = [str(VENV / "bin" / "uv"), "pip", "install", f"--python={PYTHON}"]
    only_uv = VENV / "uv.lock"
    only_uv.write_text("".join(UV.findall(LOCK.read_text(encoding="utf-8"))), encoding="utf-8")
    LOG.write_text("", encoding="utf-8")
    done = run([*pip, *LOCKED, only_uv]) and any(run([*tool, *LOCKED, LOCK]) for tool in (uv, pip))
    show("")
    if not done:
        raise BootstrapError(reason(LOG.read_text(encoding="utf-8")))


def run(command: list[str | Path]) -> bool:
    """Run a program, its words into the log and its last line to the terminal; did it succeed?"""
    program = subprocess.Popen(
        command,
        env=os.environ | {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert program.stdout is not None  # noqa: S101 - asked for above
    with LOG.open("a", encoding="utf-8") as log:
        for line in program.stdout:
            log.write(line)
            show(line.strip()[:78])
    return program.wait() == 0


def show(text: str) -> None:
    """Overwrite the line of progress, on a terminal only."""
    if sys.stderr.isatty():
        say(f"\r\033[K{text}", end="")


def reason(log: str) -> str:
    """Why pip failed, in one line, from what it printed."""
    if UNREACHABLE.search(log):
        return NO_NETWORK
    errors = re.findall(r"^ERROR: (.+)", log, re.MULTILINE) or ["no reason given"]
    return f"pip failed: {errors[0]} (the whole log: {LOG.relative_to(ROOT)})"


def bootstrap() -> None:
    """Bring the environment to the lock: in place when it is whole, else from nothing."""
    os.umask(0o022)  # As root, PostgreSQL runs as another user, who must be able to read its wheel.
    with only_one():
        if is_current():
            return
        if PYTHON.exists() and STAMP.exists():
            say("stage: the lock has changed; updating .venv")
            STAMP.unlink()  # A kill in mid-update must not leave a mixture that looks whole.
        else:
            say("stage: making the environment in .venv (once; about 650 MB)")
            make_venv()
        install()
        part = STAMP.with_suffix(".part")
        shutil.copyfile(LOCK, part)
        part.replace(STAMP)


if __name__ == "__main__":
    try:
        bootstrap()
    except BootstrapError as error:
        sys.exit(f"stage: {error}")
    except PermissionError as error:
        sys.exit(
            f"stage: no permission for {error.filename}; run ./stage as the owner of the folder"
        )
    except OSError as error:
        sys.exit(f"stage: {error.strerror}: {error.filename}")
    except KeyboardInterrupt:
        sys.exit(130)
