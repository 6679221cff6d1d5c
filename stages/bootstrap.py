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
    """Install the lock with pip, by the user's own index settings, and show how far it is."""
    total = len(re.findall(r"^[A-Za-z0-9]", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    options = ["--require-hashes", "--only-binary=:all:", "--retries=2", "-r", str(LOCK)]
    env = os.environ | {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    pip = subprocess.Popen(
        [PYTHON, "-I", "-m", "pip", "install", "--progress-bar=off", *options],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert pip.stdout is not None  # noqa: S101 - asked for above
    seen = 0
    with LOG.open("w", encoding="utf-8") as log:
        for line in pip.stdout:
            log.write(line)
            if match := re.match(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)", line):
                seen += 1
                show(f"{seen:3} of {total}  {match[1]}")
            elif line.startswith("Installing collected"):
                show("unpacking")
    show("")
    if pip.wait():
        raise BootstrapError(reason(LOG.read_text(encoding="utf-8")))


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
            say("stage: making the environment in .venv (once; about 500 MB)")
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
