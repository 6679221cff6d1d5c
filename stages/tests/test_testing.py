"""``./stage test`` and ``./stage prove`` on the sample stages."""

import signal

import pytest
from checkouts import PATIENCE, wait_until

PROOF = """
import pytest

@pytest.mark.proof(claim="it is proved", before={before!r})
def test_claim__tried__holds({fixture}):
    {body}
"""


def write_test(checkout, text, name="test_extra.py"):
    (checkout.path / "stage02_data" / "tests" / name).write_text(text)


def test_test__all_stages__sums_up_in_a_plain_last_line(checkout):
    done = checkout.stage("test")
    assert done.returncode == 0
    assert "stage01_plain       1       0        0" in done.stdout
    assert done.stdout.endswith("\n\n4 passed, 0 failed, 0 skipped\n")


def test_test__failed_and_skipped__are_counted_and_exit_1(checkout):
    skip = "import pytest\n\ndef test_skip():\n    pytest.skip()\n\ndef test_bad():\n    assert 0\n"
    write_test(checkout, skip)
    done = checkout.stage("test", "2")
    assert done.returncode == 1
    assert done.stdout.endswith("\n\n3 passed, 1 failed, 1 skipped\n")


def test_test__file_that_cannot_be_imported__fails(checkout):
    write_test(checkout, "import nowhere\n")
    done = checkout.stage("test", "2")
    assert done.returncode == 1
    assert "0 passed, 1 failed" in done.stdout


def test_test__fixture_breaks__fails(checkout):
    write_test(checkout, "def test_odd(nothing_of_that_name):\n    pass\n")
    assert checkout.stage("test", "2").stdout.endswith("\n3 passed, 1 failed, 0 skipped\n")


def test_test__a_stage_runs_no_test__fails(checkout):
    done = checkout.stage("test", "--", "-k", "place")
    assert done.returncode == 1
    assert "stage01_plain       0       0        0" in done.stdout
    assert "ran no test" in done.stdout
    assert done.stdout.endswith("\n1 passed, 0 failed, 0 skipped\n")


def test_test__beside_another_and_a_run__all_pass(checkout, port):
    run = checkout.start("run", "2", "--port", str(port))
    # Long enough that both have their databases at the same time.
    write_test(checkout, "import time\n\ndef test_slow(db):\n    time.sleep(1)\n")
    tests = [checkout.start("test", "2") for _ in range(2)]
    for call in tests:
        assert call.process.wait(PATIENCE) == 0, call.output
    assert checkout.get(port) == "hello from stage02_data"
    assert run.end() == 0
    assert checkout.processes() == []


# Passes only while the other stage does the same.
MEETING = """
import time
from pathlib import Path

HERE = Path.cwd()


def test_meeting():
    (HERE.parent / f"met-{HERE.name}").touch()
    deadline = time.monotonic() + 60
    while len(list(HERE.parent.glob("met-*"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    if HERE.name == "stage01_plain":
        time.sleep(1)
"""


def test_test__several_stages__run_at_once_and_are_shown_in_order(checkout):
    for stage in ("stage01_plain", "stage02_data"):
        (checkout.path / stage / "tests" / "test_meeting.py").write_text(MEETING)
    done = checkout.stage("test")
    assert done.returncode == 0, done.stdout
    shown = done.stdout
    places = [shown.index(word) for word in ("stage01_plain\n", "2 passed", "stage02_data\n")]
    assert places == sorted(places)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_test__several_stages_stopped__leaves_nothing(checkout, signum):
    slow = "import time\n\ndef test_long():\n    time.sleep(100)\n"
    for stage in ("stage01_plain", "stage02_data"):
        (checkout.path / stage / "tests" / "test_slow.py").write_text(slow)
    call = checkout.start("test")
    wait_until(lambda: len(checkout.processes("-m pytest")) == 2, "both run")
    assert call.end(signum) == 130
    assert "Traceback" not in call.output
    assert checkout.processes() == []


def test_test__killed__is_stopped_by_the_next_call(checkout):
    write_test(checkout, "import time\n\ndef test_long():\n    time.sleep(100)\n")
    call = checkout.start("test", "2")
    (pytest_process,) = wait_until(lambda: checkout.processes("-m pytest"), "pytest runs")
    call.process.kill()
    call.process.wait()
    assert pytest_process.is_running()
    checkout.stage("manage", "1", "check")
    assert not checkout.processes("-m pytest")


def test_prove__proofs_fail_before_and_hold_now__shows_both(checkout):
    done = checkout.stage("prove", "2")
    assert done.returncode == 0
    assert done.stdout == (
        "proof: words are kept in a database\n"
        "    ✓ stage01_plain: fails, as it must: assert b'stage02_data' in b'hello from memory'\n"
        "    ✓ stage02_data: holds\n"
        "guard: it still says hello\n"
        "    ✓ stage02_data: holds\n"
    )
    assert not list((checkout.path / ".strata" / "prove").glob("*/"))


@pytest.mark.parametrize(
    ("shown", "refused"), [("b'stage99_data' in", False), ("b'words' in", True)]
)
def test_prove__note_shows_something_else__is_refused(checkout, shown, refused):
    printed = checkout.stage("prove", "2").stdout.replace("b'stage02_data' in", shown)
    note = checkout.path / "docs/02_data.md"
    note.parent.mkdir()
    filled = f"```text\n$ ./stage prove 2\n{printed}```"
    note.write_text(f"# 02 Data\n\n<!-- proof 02 -->\n{filled}\n<!-- /proof -->\n")

    done = checkout.stage("prove", "2")

    assert done.returncode == refused
    told = "stage: docs/02_data.md:3 shows something else; ./stage docs --write --run\n"
    assert done.stderr == (told if refused else "")


@pytest.mark.parametrize(
    ("proof", "complaint"),
    [
        ({"body": "assert True"}, "✗ stage01_plain: passed, so it proves nothing"),
        ({"body": "assert 0, 'tea'"}, "✗ stage01_plain: fails for another reason than 'memory'"),
        ({"body": "assert 0, 'memory'"}, "✗ stage02_data: failed in call: AssertionError: memory"),
        ({"fixture": "of_no_stage"}, "✗ stage01_plain: could not even start (setup)"),
        ({"body": "pytest.skip('no')"}, "✗ stage01_plain: skipped, so it proves nothing"),
        ({"before": ""}, "✗ stage01_plain: its mark states no reason"),
    ],
)
def test_prove__proof_is_none__says_why_and_exits_1(checkout, proof, complaint):
    text = PROOF.format(**{"before": "memory", "fixture": "", "body": "assert 0"} | proof)
    write_test(checkout, text, "test_02_proofs.py")
    done = checkout.stage("prove", "2")
    assert done.returncode == 1
    assert complaint in done.stdout
    assert ".strata/prove/stage01_plain.log" in done.stdout


def test_prove__proofs_import_what_is_new__says_so(checkout):
    (checkout.path / "stage02_data" / "config" / "new.py").touch()
    text = "import config.new\n" + PROOF.format(before="x", fixture="", body="assert True")
    write_test(checkout, text, "test_02_proofs.py")
    done = checkout.stage("prove", "2")
    assert done.returncode == 1
    assert "could not even start (collection)" in done.stdout
    assert "No module named 'config.new'" in done.stdout


def test_prove__unmarked_test__is_refused(checkout):
    write_test(checkout, "def test_plain():\n    pass\n", "test_02_proofs.py")
    done = checkout.stage("prove", "2")
    assert done.returncode == 1
    assert "neither marked as a proof nor as a guard" in done.stdout
    assert "no test is marked as a proof" in done.stdout


def test_prove__first_stage__has_nothing_to_prove(checkout):
    done = checkout.stage("prove", "1")
    assert (done.returncode, done.stderr) == (
        2,
        "stage: no stage comes before stage01_plain: there is nothing to prove\n",
    )
