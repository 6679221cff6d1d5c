"""``./stage test upgrade`` on sample stages."""

import shutil

import psycopg
import pytest
from checkouts import wait_until

# Counts the runs of this file that it knows of, in the database and in the file.
UPGRADE = """
import os
from pathlib import Path

import psycopg
import pytest


@pytest.fixture(scope="session")
def django_db_setup():
    pass


def test_rows():
    seen = Path(os.environ["UPGRADE_SEEN"])
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS visits (name text)")
        connection.execute("INSERT INTO visits VALUES (%s)", [Path.cwd().name])
        names = [name for name, in connection.execute("SELECT name FROM visits ORDER BY 1")]
        database = connection.info.dbname
    words = seen.read_text().split() if seen.exists() else []
    seen.write_text(" ".join([*words, Path.cwd().name]))
    print(database, words, names)
    assert names == [*words, Path.cwd().name]
"""


@pytest.fixture
def upgrading(checkout):
    """A checkout of three stages, of which two have a database to hand on."""
    (checkout.path / "stage02_data" / "tests" / "upgrade.py").write_text(UPGRADE)
    shutil.copytree(checkout.path / "stage02_data", checkout.path / "stage03_more")
    return checkout


def test_upgrade__all_stages__share_a_database_and_a_file_that_are_then_gone(upgrading, port):
    run = upgrading.start("run", "2", "--port", str(port))
    upgrading.get(port)
    env_file = upgrading.path / "stage02_data" / ".env"
    url = env_file.read_text().partition("DATABASE_URL=")[2].strip()
    done = upgrading.stage("test", "upgrade", "--", "-rP")
    assert (done.returncode, done.stderr) == (0, "")
    first = "['stage02_data']"
    assert f" [] {first}\n" in done.stdout
    assert f" {first} ['stage02_data', 'stage03_more']\n" in done.stdout
    assert done.stdout.endswith("\n2 passed, 0 failed, 0 skipped\n")
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^(test|stage)'")
        assert rows.fetchall() == [("stage02_data",)]
        assert connection.execute("SELECT to_regclass('visits')").fetchone() == (None,)
    run.end()


def test_upgrade__a_stage_fails__goes_no_further(upgrading):
    upgrade = upgrading.path / "stage02_data" / "tests" / "upgrade.py"
    upgrade.write_text("def test_rows():\n    assert 0\n")
    done = upgrading.stage("test", "upgrade")
    assert done.returncode == 1
    assert done.stdout.endswith("\n0 passed, 1 failed, 0 skipped\n")
    assert "stage03_more" not in done.stdout


def test_upgrade__a_stage_tests_nothing__is_named(upgrading):
    (upgrading.path / "stage03_more" / "tests" / "upgrade.py").unlink()
    done = upgrading.stage("test", "upgrade")
    assert done.returncode == 1
    assert done.stderr == (
        "stage: stage03_more has no tests/upgrade.py: its rows would not be tested\n"
    )


def test_upgrade__killed__is_cleared_away_by_the_next_call(upgrading):
    slow = upgrading.path / "stage02_data" / "tests" / "upgrade.py"
    slow.write_text("import time\n\ndef test_rows():\n    time.sleep(100)\n")
    call = upgrading.start("test", "upgrade")
    wait_until(lambda: upgrading.processes("-m pytest"), "pytest runs")
    call.process.kill()
    call.process.wait()
    list_all = (
        "from django.db import connection as c; k = c.cursor();"
        "k.execute('SELECT datname FROM pg_database'); print(k.fetchall())"
    )
    done = upgrading.stage("manage", "2", "shell", "-v", "0", "-c", list_all)
    assert "stage02_data" in done.stdout
    assert "test_" not in done.stdout
