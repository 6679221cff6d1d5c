"""``./stage`` on a machine that has nothing but Python. These tests install for real."""

import re
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from checkouts import PATIENCE, free_port, wait_until

PYTHON = Path(sys.base_prefix, "bin", "python3")


def write_program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def installed(checkout):
    stamp = checkout.path / ".venv" / "requirements.lock"
    return stamp.exists() and stamp.read_bytes() == lock_of(checkout).read_bytes()


def lock_of(checkout):
    return checkout.path / "stages" / "requirements.lock"


def of_lock(checkout, package):
    """The lines of a package in the lock."""
    pattern = rf"^{package}==.*\n(?:    .*\n)+"
    return re.search(pattern, lock_of(checkout).read_text(), re.MULTILINE)[0]


@pytest.fixture
def small_checkout(bare_checkout):
    """One whose lock has only uv, and what ``./stage --help`` imports."""
    lock_of(bare_checkout).write_text(
        of_lock(bare_checkout, "uv") + of_lock(bare_checkout, "click")
    )
    return bare_checkout


def test_bootstrap__two_first_calls_at_once__one_builds_and_both_go_on(small_checkout):
    calls = [small_checkout.start("--help") for _ in range(2)]
    assert [call.process.wait(PATIENCE) for call in calls] == [0, 0]
    outputs = [call.output for call in calls]
    assert all("Commands:" in output for output in outputs)
    assert sum("making the environment in .venv" in output for output in outputs) == 1
    assert sum("waiting for it" in output for output in outputs) == 1
    assert small_checkout.stage("--help").stderr == ""


def test_bootstrap__killed_midway__is_finished_by_the_next_call(small_checkout):
    call = small_checkout.start("--help")
    wait_until(lambda: "pip install" in " ".join(names(small_checkout)), "pip installs")
    for process in small_checkout.processes():
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    call.process.wait()
    assert not installed(small_checkout)
    done = small_checkout.stage("--help")
    assert (done.returncode, installed(small_checkout)) == (0, True), done.stderr


def names(checkout):
    return [" ".join(process.cmdline()) for process in checkout.processes("install")]


def test_bootstrap__lock_changed__is_applied_and_said_once(small_checkout):
    small_checkout.stage("--help")
    with lock_of(small_checkout).open("a") as lock:
        lock.write("# one line more\n")
    done = small_checkout.stage("--help")
    assert done.stderr == "stage: the lock has changed; updating .venv\n"
    assert (done.returncode, installed(small_checkout)) == (0, True)
    assert small_checkout.stage("--help").stderr == ""


def test_bootstrap__no_index_reachable__one_line_and_exit_1(bare_checkout):
    nowhere = {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_FIND_LINKS": "",
        "PIP_INDEX_URL": f"http://127.0.0.1:{free_port()}/simple",
        "PIP_NO_CACHE_DIR": "1",
    }
    done = bare_checkout.stage("--help", **nowhere)
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        "stage: no package index could be reached; check the network or name a mirror"
        " (PIP_INDEX_URL, PIP_CERT or pip.conf are honoured), then run ./stage again"
    ]


def test_bootstrap__uv_reaches_no_index__pip_installs(small_checkout):
    index = f"http://127.0.0.1:{free_port()}/simple"
    away = {"UV_NO_CONFIG": "1", "UV_NO_CACHE": "1", "UV_DEFAULT_INDEX": index}
    done = small_checkout.stage("--help", **away)
    log = (small_checkout.path / ".strata" / "bootstrap.log").read_text()
    assert (done.returncode, installed(small_checkout)) == (0, True), done.stderr
    assert index in log
    assert "Successfully installed click" in log


def test_bootstrap__package_not_to_be_had__says_which_and_where_the_log_is(bare_checkout):
    unknown = f"strata-is-no-package==1 --hash=sha256:{'0' * 64}\n"
    lock_of(bare_checkout).write_text(of_lock(bare_checkout, "uv") + unknown)
    done = bare_checkout.stage("--help")
    assert done.returncode == 1
    assert "strata-is-no-package==1" in done.stderr.splitlines()[-1]
    assert "(the whole log: .strata/bootstrap.log)" in done.stderr


def test_bootstrap__python_too_old__says_so(bare_checkout):
    old = write_program(bare_checkout.path / "python2", "exit 1")
    done = bare_checkout.stage("--help", PYTHON=old)
    assert (done.returncode, done.stderr) == (
        1,
        f"stage: PYTHON={old} is no Python 3.11 or newer; name another, or unset it\n",
    )


def test_bootstrap__no_python__says_so(bare_checkout):
    empty = bare_checkout.path / "bin"
    empty.mkdir()
    for name in ("sh", "cmp", "readlink"):
        (empty / name).symlink_to(shutil.which(name))
    done = bare_checkout.stage("--help", PATH=str(empty))
    assert done.returncode == 1
    assert done.stderr.startswith("stage: needs Python 3.11 or newer and found none;")
    assert done.stderr.count("\n") == 1


def test_bootstrap__python_without_venv__names_the_package(bare_checkout):
    hide = "import sys, runpy; sys.modules['ensurepip'] = None; sys.argv = sys.argv[1:]"
    go = "runpy.run_path(sys.argv[0], run_name='__main__')"
    bare = write_program(
        bare_checkout.path / "python3",
        f'[ "$1" = -c ] && exec {PYTHON} "$@"; shift; exec {PYTHON} -c "{hide}; {go}" "$@"',
    )
    done = bare_checkout.stage("--help", PYTHON=bare)
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_stage__called_through_symlinks__finds_its_folder(checkout, tmp_path):
    (tmp_path / "direct").symlink_to(checkout.path / "stage")
    (tmp_path / "relative").symlink_to("direct")
    done = checkout.stage("--help")
    checkout.command = lambda *args: [str(tmp_path / "relative"), *args]
    assert checkout.stage("--help").stdout == done.stdout
    assert "Commands:" in done.stdout


def test_stage__environment_lost_its_packages__says_the_way_out(checkout):
    (checkout.path / ".venv").unlink()
    shutil.copytree(Path(sys.prefix, "bin"), checkout.path / ".venv" / "bin", symlinks=True)
    shutil.copy(Path(sys.prefix, "pyvenv.cfg"), checkout.path / ".venv")
    shutil.copy(lock_of(checkout), checkout.path / ".venv")
    done = checkout.stage("--help")
    assert (done.returncode, done.stderr) == (
        1,
        "stage: .venv lacks click; delete the folder .venv and run ./stage again\n",
    )


def test_table__two_stages_built__lists_all_seven(checkout):
    done = checkout.stage()
    assert done.returncode == 0
    assert done.stdout.count("not built yet") == 5
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if "stage0" in line}
    assert rows["stage01_plain"][1:3] == ["Plain", "django,"]
    assert rows["stage02_data"][-3:] == ["15", "+8", "−2"]
    assert "stage07" in rows
