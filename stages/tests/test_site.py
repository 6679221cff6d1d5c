"""``./stage docs``: the site, built from this repository and opened in a browser."""

import shutil
import signal
import subprocess
import sys
import urllib.request
from functools import partial
from html.parser import HTMLParser
from http.server import ThreadingHTTPServer
from importlib.util import find_spec
from posixpath import join, normpath
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest
from checkouts import ROOT, wait_until

from stages.docs import Handler
from stages.layout import stages
from stages.website.files import file_page, page_name
from stages.website.weave import weave

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
INSTALL = ".venv/bin/python -m pip install -r stages/browser.lock"
NOTES = sorted(path.stem for path in (ROOT / "docs").glob("[0-9][0-9]_*.md"))
EXPLAINING = [note for note in NOTES if "<!-- /" in (ROOT / f"docs/{note}.md").read_text()]
LONGEST = 300_000  # Bytes of a page alone: its scripts and styles are those of all others.


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "built"
    command = [sys.executable, "-m", "stages", "docs", "--build", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def address(site):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=site)) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM:
        pytest.skip("no browser here: install chromium to test the site in it")
    if not find_spec("playwright"):
        pytest.skip(f"no driver for the browser here: {INSTALL}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, address):
    """Opens pages; when the test ends, none must have complained or asked another machine."""
    faults, contexts = [], []

    def visit(path, **options):
        contexts.append(
            chromium.new_context(**{"viewport": {"width": 1600, "height": 900}} | options)
        )
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: said.type == "error" and faults.append(said.text))
        page.on("request", lambda request: faults.append(request.url) if away(request) else None)
        page.on(
            "response", lambda answer: faults.append(answer.url) if answer.status > 399 else None
        )
        page.goto(f"{address}/{path}")
        return page

    def away(request):
        return not request.url.startswith((address, "data:", "blob:"))

    yield visit
    for context in contexts:
        context.close()
    assert not faults


class Links(HTMLParser):
    """What a page has, links to, and loads."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id") or found.get("name"))
        if tag == "a" and found.get("href"):
            self.links.add(found["href"])
        self.loads |= {found[name] for name in ("src", "href") if tag != "a" and found.get(name)}


def test_build__every_link__leads_to_a_page_and_a_place_on_it(site):
    pages = {
        path.relative_to(site).as_posix(): Links(path.read_text()) for path in site.rglob("*.html")
    }
    assert len(pages) > 50
    for name, page in pages.items():
        for link in page.links | page.loads:
            target = urlsplit(link)
            if target.scheme or link.startswith("/"):  # The page for 404 is at any address.
                assert link not in page.loads or name == "404.html", (name, link)
                continue
            path = normpath(join(name, "..", unquote(target.path))) if target.path else name
            assert (site / path).exists(), (name, link)
            if target.fragment and path in pages:
                assert unquote(target.fragment) in pages[path].ids, (name, link)


def test_build__page__is_small(site):
    sizes = {path.stat().st_size: path.relative_to(site) for path in site.rglob("*.html")}

    assert max(sizes) <= LONGEST, sizes[max(sizes)]


def test_build__twice__replaces_what_it_wrote_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "stages", "docs", "--build", str(tmp_path)]
    mine = tmp_path / "mine.txt"
    mine.touch()

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == f"stage: {tmp_path} has files that are not ours: name a new folder\n"
    assert mine.exists()
    mine.unlink()
    for _ in range(2):
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert (tmp_path / "index.html").exists()


def test_docs__served__tells_its_address_and_leaves_nothing(checkout, port):
    (checkout.path / "README.md").write_text("# Sample\n\n[One](stage01_plain/manage.py)\n")
    call = checkout.start("docs", "--port", str(port))

    wait_until(lambda: f"http://localhost:{port}/ " in call.output, "the address is told")
    assert "after a change, run it again" in call.output
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read().decode()
    assert 'href="files/manage.py.html#s1"' in page

    assert call.end(signal.SIGINT) == 0
    assert not list((checkout.path / ".strata").glob("docs-*"))


def test_docs__port_taken__is_refused_in_one_line(checkout, port):
    with ThreadingHTTPServer(("127.0.0.1", port), Handler):
        done = checkout.stage("docs", "--port", str(port))

    assert done.returncode == 1
    assert done.stderr.startswith(f"stage: port {port} is taken")


@pytest.mark.parametrize("number", [stage.number for stage in stages()])
def test_weave__each_file__holds_each_of_its_versions(number):
    paths = {
        path.relative_to(stage.path).as_posix()
        for stage in stages()
        for path in stage.path.rglob("*.py")
    }
    for path in paths:
        versions = [
            (stage.number, (stage.path / path).read_text())
            for stage in stages()
            if (stage.path / path).exists()
        ]
        strands = weave(path, versions)
        text = "".join(f"{strand.text}\n" for strand in strands if number in strand.stages)
        assert text == dict(versions).get(number, "")


def test_weave__line_replaced__stands_above_what_takes_its_place():
    strands = weave("a.py", [(1, "a\nb\nc\n"), (2, "a\nB\nc\nd\n"), (3, "a\nc\nd\n")])

    assert [(strand.text, strand.stages) for strand in strands] == [
        ("a", [1, 2, 3]),
        ("b", [1]),
        ("B", [2]),
        ("c", [1, 2, 3]),
        ("d", [2, 3]),
    ]


def test_file_page__text_with_markup__is_shown_as_it_is(tmp_path):
    from stages.layout import Stage

    (tmp_path / "a.md").write_text("<b>&amp;</b>\n")

    assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in file_page("a.md", [Stage(1, tmp_path)])
    assert page_name(".ci/run") == "files/dot-ci/run.md"


@pytest.mark.parametrize("note", EXPLAINING)
def test_note__opened__shows_words_beside_its_hunks_and_above_on_a_narrow_screen(open_page, note):
    for width, beside in ((1600, True), (390, False)):
        page = open_page(f"{note}.html", viewport={"width": width, "height": 800})
        hunk = page.locator(".hunk").first
        words, figure = (hunk.locator(f"> {part}").bounding_box() for part in (".words", "figure"))
        assert (words["x"] + words["width"] <= figure["x"]) == beside
        assert (words["y"] + words["height"] <= figure["y"]) != beside
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_diff__switched__is_in_two_columns_also_on_the_next_page(open_page):
    page = open_page(f"{NOTES[1]}.html")
    change = page.locator(".change:has(del):has(ins)").first
    one = [change.locator(tag).bounding_box() for tag in ("del", "ins")]

    page.get_by_role("button", name="Side by side").press("Enter")

    two = [change.locator(tag).bounding_box() for tag in ("del", "ins")]
    assert one[0]["x"] == one[1]["x"]
    assert one[0]["y"] < one[1]["y"]
    assert two[0]["x"] < two[1]["x"]
    assert two[0]["y"] == two[1]["y"]
    page.goto(page.url.replace(NOTES[1], NOTES[2]))
    assert page.locator("body.side-by-side").count()
    page.get_by_role("button", name="Side by side").click()
    assert not page.locator(".same > span + span").count()


def test_diff__side_by_side_on_a_narrow_window__is_in_one_column_until_there_is_room(open_page):
    page = open_page(f"{NOTES[1]}.html", viewport={"width": 390, "height": 800})
    page.evaluate("localStorage.setItem('side-by-side', true)")
    page.reload()
    assert not page.get_by_role("button", name="Side by side").is_visible()
    assert not page.locator("body.side-by-side, .same > span + span").count()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.set_viewport_size({"width": 1600, "height": 900})

    page.locator("body.side-by-side .same > span + span").first.wait_for()


def shown(page):
    """The lines of a file's page that can be seen."""
    page.wait_for_load_state()  # Before its style has come, all can.
    return page.locator(".weave code > span:visible").all_inner_texts()


def version(number, path):
    """The lines of a file at a stage."""
    return (stages()[number - 1].path / path).read_text().removesuffix("\n").split("\n")


def test_file__slider_moved_by_keyboard__shows_the_next_stage(open_page):
    page = open_page("files/blog/services.py.html#s1")
    assert [line.rstrip("\n") for line in shown(page)] == version(1, "blog/services.py")

    page.get_by_role("slider").press("ArrowRight")

    assert page.url.endswith("#s2")
    assert [line.rstrip("\n") for line in shown(page)] == version(2, "blog/services.py")
    assert page.get_by_role("slider").get_attribute("aria-valuetext") == "02 SQL"


def test_file__without_script__is_shown_at_each_stage_by_its_links(open_page):
    page = open_page("files/blog/services.py.html", java_script_enabled=False)
    assert not page.get_by_role("slider").count()

    page.get_by_role("link", name="01 HTTP").click()

    assert [line.rstrip("\n") for line in shown(page)] == version(1, "blog/services.py")


def test_compare__two_stages__lead_to_what_changes_in_a_file(open_page):
    page = open_page("compare/index.html")
    page.get_by_role("link", name="01 → 03").click()

    page.get_by_role("link", name="blog/views.py", exact=True).first.click()

    assert page.url.endswith("files/blog/views.py.html#s1-3")
    lines = {line.rstrip("\n") for line in shown(page)}
    assert lines == set(version(1, "blog/views.py")) | set(version(3, "blog/views.py"))


def test_search__words_of_a_note__finds_it(open_page):
    page = open_page("index.html")
    page.keyboard.press("Control+k")

    page.keyboard.type("conditional")

    page.locator("a[href*='01_http.html']").locator("visible=true").first.wait_for()


def serious_faults(page):
    """What axe finds that would keep somebody from reading."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
    return [(fault["id"], fault["nodes"][0]["html"]) for fault in serious]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_hunk__before_and_after__are_the_file_at_both_stages(open_page, script):
    for number, name in enumerate(("before", "after"), 1):
        page = open_page(f"{NOTES[1]}.html", java_script_enabled=script)
        assert page.locator(".hunk > .words").first.is_visible()
        figure = page.locator("figure", has_text="blog/services.py create_post")

        figure.get_by_role("link", name=name, exact=True).click()

        assert page.url.endswith(f"files/blog/services.py.html#s{number}")
        lines = [line.rstrip("\n") for line in shown(page)]
        assert lines == version(number, "blog/services.py")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "overview.html",
        f"{NOTES[1]}.html",
        "files/blog/views.py.html#s2-3",
        "compare/index.html",
        "compare/2-3.html",
        "benchmarks.html",
        "roadmap.html",
        "trace.html",
    ],
)
def test_page__checked_by_axe__has_no_serious_fault(open_page, path, scheme):
    assert not serious_faults(open_page(path, color_scheme=scheme))


def test_note__on_a_narrow_screen_or_side_by_side__has_no_serious_fault(open_page):
    page = open_page(f"{NOTES[1]}.html", viewport={"width": 390, "height": 800})
    assert not serious_faults(page)

    page.set_viewport_size({"width": 1600, "height": 900})
    page.get_by_role("button", name="Side by side").click()

    assert not serious_faults(page)
