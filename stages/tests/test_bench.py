"""``./stage bench`` with real services under a real load, of few posts and short."""

import re
import shutil
import signal
from xml.etree import ElementTree

import click
import pytest
from checkouts import ROOT, wait_until

from stages.service import require_sound

# Takes two milliseconds, as work would: the load generator must not be the slower of the two.
SERVICE = """
import time

def application(environ, start_response):
    time.sleep(0.002)
    start_response("200 OK", [])
    return [b"hello"]
"""
DECLARATION = """
from stages.measure import Bench, Request

def bench():
    return Bench(requests=[Request("greeting", "/", **{options})])
"""
SVG = "{http://www.w3.org/2000/svg}"
QUICK = ("--seconds", "0.2")


@pytest.fixture
def declare(checkout):
    """Makes stage 01 declare one request; it needs no database."""

    def write(**options):
        stage = checkout.path / "stage01_plain"
        (stage / "config" / "wsgi.py").write_text(SERVICE)
        (stage / "tests" / "bench_01_plain.py").write_text(DECLARATION.format(options=options))

    return write


def test_bench__real_stage__prints_and_writes_every_table(checkout):
    shutil.copytree(ROOT / "stage02_db", checkout.path / "stage02_db")
    page = checkout.path / "docs" / "benchmarks.md"
    page.parent.mkdir()
    mark = "<!-- bench stage02_db/tests/bench_02_sql.py -->"
    page.write_text(f"Before\n{mark}\nOld\n<!-- /bench -->\nAfter\n")

    done = checkout.stage("bench", "stage02_db", "--posts", "300", "--write", *QUICK)

    assert done.returncode == int("✗" in done.stdout)  # so few posts promise nothing
    assert max(map(len, done.stdout.splitlines())) <= 80
    rows = ["page 14", "a list of 20, a list of 100     1  ✓ ≤ 4", "50 rare words", "OFFSET 240"]
    for row in ["300 posts; 16 keep-alive connections", "unchanged (304)", *rows]:
        assert row in done.stdout
    written = page.read_text()
    assert written.startswith(f"Before\n{mark}\n300 posts; ")
    assert written.endswith(" |\n<!-- /bench -->\nAfter\n")
    assert "| page 1 of 20 posts | 1.00 |" in written
    assert "Old" not in written
    assert str(checkout.path) not in written
    assert checkout.processes() == []


@pytest.mark.parametrize(
    ("bound", "code", "words"),
    [(1.0, 0, "1.00  ✓ ≤ 1 "), (0.9, 1, "1.00  ✗ ≤ 0.9 ")],
    ids=["kept", "broken"],
)
def test_bench__bound__decides_the_exit_code(checkout, declare, bound, code, words):
    declare(at_most=bound)
    done = checkout.stage("bench", *QUICK)
    assert words in done.stdout
    assert f"\n{code} out of bounds\n" in done.stdout
    assert done.returncode == code


def test_bench__wrong_answers__give_no_figures(checkout, declare):
    declare(status=404)
    done = checkout.stage("bench", "1", *QUICK)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "with 200 instead of 404" in done.stderr


def test_bench__load_generator_too_busy__gives_no_figures():
    request = {"name": "greeting", "path": "/", "status": 200}
    tally = {"statuses": {"200": 9}, "busy": 0.4}
    require_sound([request], [tally], "a log")
    with pytest.raises(click.ClickException, match="took 60% of a core for greeting"):
        require_sound([request], [tally | {"busy": 0.6}], "a log")


def test_bench__service_cannot_start__says_why_and_where_to_read(checkout, declare):
    declare()
    (checkout.path / "stage01_plain" / "config" / "wsgi.py").write_text("import nowhere\n")
    done = checkout.stage("bench", "1", *QUICK)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "the web process of stage01_plain failed" in done.stderr
    assert "(log: .strata/bench/stage01_plain.log)" in done.stderr
    log = (checkout.path / ".strata" / "bench" / "stage01_plain.log").read_text()
    assert "No module named 'nowhere'" in log


def test_bench__layers__are_asked_the_same_and_held_to_their_bounds(checkout, declare):
    declare()
    first = checkout.path / "stage01_plain"
    second = checkout.path / "stage02_data"
    (first / "tests" / "bench_01_plain.py").rename(first / "tests" / "bench_layers.py")
    for name in ("config/wsgi.py", "tests/bench_layers.py"):
        shutil.copy(first / name, second / name)
    slower = SERVICE.replace("0.002", "0.004")
    (second / "config" / "wsgi.py").write_text(slower)
    (second / "manage.py").write_text("# There is nothing to migrate and nothing to seed.\n")
    settings = checkout.path / "pyproject.toml"
    step = "[tool.strata.steps.02]\n"
    settings.write_text(settings.read_text().replace(step, f"{step}cost = 1.1\n"))

    page = checkout.path / "docs" / "benchmarks.md"
    page.parent.mkdir()
    page.write_text("<!-- bench layers -->\n<!-- /bench -->\n")

    done = checkout.stage("bench", "layers", "--write", *QUICK)

    assert re.search(r"stage01_plain +1.00 ", done.stdout)
    assert re.search(r"stage02_data +[1-3]\.\d\d  ✗ ≤ 1.1 ", done.stdout)
    assert re.search(r"stage02_data +[1-9]\d* *\n", done.stdout)  # MiB
    assert done.returncode == 1
    assert "| stage02_data | " in page.read_text()
    chart = ElementTree.parse(page.with_name("layers.svg")).getroot()
    names = ["stage01_plain", "stage02_data"]
    assert [text.text for text in chart.iter(f"{SVG}text") if text.get("x") == "0"] == [
        *("greeting", *names),
        *("Memory of the one worker", *names),
    ]
    measures = {text.text for text in chart.iter(f"{SVG}text") if text.get("y") == "42"}
    assert measures == {"requests/s", "p99 ms", "queries"}
    assert checkout.processes() == []


def test_bench__beside_another__refuses_and_spares_that_one(checkout, declare):
    declare()
    first = checkout.start("bench", "1", "--seconds", "30")
    wait_until(lambda: checkout.processes("stages.load"), "it measures")
    done = checkout.stage("bench", "1", *QUICK)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "another ./stage bench" in done.stderr
    assert checkout.processes("stages.load")
    assert first.end(signal.SIGINT) == 130
    assert checkout.processes() == []


def test_bench__nothing_declared__says_so(checkout):
    done = checkout.stage("bench", "2")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "stage02_data has no tests/bench_02_*.py" in done.stderr


def test_bench__no_place_to_write__refuses_before_it_measures(checkout, declare):
    declare()
    done = checkout.stage("bench", "1", "--write", "--seconds", "60")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "add <!-- bench stage01_plain/tests/bench_01_plain.py -->" in done.stderr
