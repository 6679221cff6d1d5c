"""``./stage run`` and ``./stage manage`` with real processes."""

import signal
import socket
import subprocess

import pytest
from checkouts import PATIENCE, free_port, wait_until


def write_procfile(checkout, text):
    (checkout.path / "stage02_data" / "Procfile").write_text(text)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_run__stopped__exits_0_and_leaves_nothing(checkout, port, signum):
    call = checkout.start("run", "2", "--port", str(port))
    assert checkout.get(port) == "hello from stage02_data"
    assert checkout.processes("postgres")
    assert call.end(signum) == 0
    assert checkout.processes() == []
    assert not (checkout.path / "stage02_data" / ".env").exists()


def test_run__up__greets_with_commands_for_its_port(checkout, port):
    call = checkout.start("run", "2", "--port", str(port))
    wait_until(lambda: "curl" in call.output, "it greets")
    assert f"http://localhost:{port}/" in call.output
    assert f"\ncurl localhost:{port}/\n" in call.output
    assert call.end() == 0


def test_run__two_stages__both_answer(checkout, port):
    call = checkout.start("run", "1", "02", "--port", str(port))
    assert checkout.get(port) == "hello from memory"
    assert checkout.get(port + 1) == "hello from stage02_data"
    assert call.end() == 0


def test_run__some_entries_only__starts_no_other(checkout, port):
    worker = "worker: touch begun && sleep 100\n"
    write_procfile(checkout, f"{(checkout.path / 'stage02_data/Procfile').read_text()}{worker}")

    call = checkout.start("run", "2", "--port", str(port), "--only", "web")
    assert checkout.get(port) == "hello from stage02_data"
    assert call.end() == 0
    assert not (checkout.path / "stage02_data" / "begun").exists()
    done = checkout.stage("run", "2", "--only", "wbe")
    assert done.returncode == 2
    assert "no Procfile has wbe: release, web, worker" in done.stderr


def test_run__port_taken__says_by_whom_and_starts_nothing(checkout):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = checkout.stage("run", "2", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"port {port} is taken by process" in done.stderr
    assert "--port" in done.stderr
    assert not (checkout.path / ".strata" / "postgres").exists()


def test_run__beside_another__keeps_the_server_when_that_one_ends(checkout):
    ports = free_port(), free_port()
    calls = [checkout.start("run", "2", "--port", str(port)) for port in ports]
    assert {checkout.get(port) for port in ports} == {"hello from stage02_data"}
    assert len(checkout.processes(" -D ")) == 1
    assert calls[0].end() == 0
    assert checkout.get(ports[1]) == "hello from stage02_data"
    assert calls[1].end() == 0
    assert checkout.processes() == []


def test_run__after_kill_9__replaces_what_was_left(checkout, port):
    call = checkout.start("run", "2", "--port", str(port))
    checkout.get(port)
    call.end(signal.SIGKILL)
    (left,) = checkout.processes(f"manage.py runserver --noreload {port}")[-1:]
    (server,) = checkout.processes(" -D ")
    again = checkout.start("run", "2", "--port", str(port))
    wait_until(lambda: not left.is_running(), "the left-over process is gone")
    assert checkout.get(port) == "hello from stage02_data"
    assert checkout.processes(" -D ") == [server]
    assert again.end() == 0
    assert checkout.processes() == []


def test_run__a_process_dies__names_it_and_stops_the_rest(checkout, port):
    write_procfile(
        checkout, "web: python manage.py runserver --noreload $PORT\nworker: sleep 1; exit 3\n"
    )
    call = checkout.start("run", "2", "--port", str(port))
    assert call.process.wait(PATIENCE) == 1
    assert call.output.endswith("stage: 02 worker ended with exit code 3\n")
    assert checkout.processes() == []


def test_run__release_fails__starts_nothing_else(checkout, port):
    write_procfile(checkout, "release: exit 4\nweb: echo never\n")
    done = checkout.stage("run", "2", "--port", str(port))
    assert done.returncode == 1
    assert "the release step of stage02_data failed" in done.stderr
    assert "never" not in done.stdout


def test_run__process_ignores_sigterm__is_killed(checkout, port):
    write_procfile(checkout, "web: trap '' TERM; while true; do echo on; sleep 0.1; done\n")
    call = checkout.start("run", "2", "--port", str(port))
    wait_until(lambda: "on" in call.output, "it runs")
    assert call.end() == 0
    assert checkout.processes() == []


WORKER = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, lambda *_: None)
job = "import pathlib, time; time.sleep(1); pathlib.Path('done').touch()"
child = subprocess.Popen([sys.executable, "-c", job])
print("worker has port", os.environ.get("PORT"), flush=True)
child.wait()
"""


def test_run__worker_is_busy__may_finish_and_has_no_port(checkout, port):
    stage = checkout.path / "stage02_data"
    write_procfile(
        checkout,
        "web: python manage.py runserver --noreload $PORT\n"
        "worker: python worker.py\nbeat: sleep 100\n",
    )
    (stage / "worker.py").write_text(WORKER)
    call = checkout.start("run", "2", "--port", str(port))
    wait_until(lambda: "worker has port None" in call.output, "the worker works")
    assert not (stage / "done").exists()
    assert call.end() == 0
    assert (stage / "done").exists()
    assert checkout.processes() == []


def test_run__reader_of_output_goes__leaves_nothing(checkout, port):
    write_procfile(checkout, "web: while true; do echo on; sleep 0.1; done\n")
    command = [*checkout.command("run", "2", "--port", str(port))]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=checkout.env, **pipes) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(PATIENCE) == 1
        assert "Traceback" not in process.stderr.read()
    assert checkout.processes() == []


def test_run__unknown_stage__says_which_exist(checkout):
    done = checkout.stage("run", "9")
    assert done.returncode == 2
    assert done.stderr == (
        "stage: there is no stage '9'; built so far: 1 (stage01_plain), 2 (stage02_data)\n"
    )


def test_manage__arguments_and_exit_code__pass_through(checkout):
    code = "from django.db import connection as c; print(c.settings_dict['NAME']); exit(7)"
    done = checkout.stage("manage", "2", "shell", "-v", "0", "-c", code)
    assert (done.stdout, done.returncode) == ("stage02_data\n", 7)
    assert checkout.processes() == []


def test_manage__database_is_new__finds_tables_and_rows(checkout):
    seed = "test $DEBUG && touch seeded"
    write_procfile(checkout, f"release: python manage.py migrate && {seed}\nweb: exit 1\n")
    count = "from django.contrib.contenttypes.models import ContentType as C; C.objects.count()"
    done = checkout.stage("manage", "2", "shell", "-v", "0", "-c", count)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("stage: filling the new database\n")
    (checkout.path / "stage02_data" / "seeded").unlink()
    again = checkout.stage("manage", "2", "shell", "-v", "0", "-c", count)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert not (checkout.path / "stage02_data" / "seeded").exists()


def test_manage__release_fails__still_runs_the_command(checkout):
    write_procfile(checkout, "release: exit 4\nweb: exit 1\n")
    done = checkout.stage("manage", "2", "shell", "-v", "0", "-c", "print('here')")
    assert (done.returncode, done.stdout) == (0, "here\n")
