"""Commands and requests that the documents show, with what comes of them."""

import json
import shutil
from base64 import b64encode

import pytest

from stages import trace
from stages.layout import ROOT, stages
from stages.notes import load_note, note_files
from stages.transcripts import outputs, shown
from stages.volatile import fits, same, same_but_figures

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="no curl here: install curl")
DOCUMENTS = [ROOT / "README.md", *(file for stage in stages() for file in note_files(stage))]
RUN = """\
# 01 Plain

<!-- run 01 -->
```console
$ curl -si localhost:8001/

$ WORD=two

$ echo $WORD; echo three >&2
```
<!-- /run -->
"""


def test_trace__stages_asked_again__answer_as_is_shown():
    assert trace.refreshed() == trace.PAGE.read_text()


@pytest.mark.parametrize(("answer", "kept"), [("200", True), ("404", False)])
def test_trace__one_block_changed__takes_all_from_the_same_run(answer, kept):
    page = "".join(f"<!-- trace {name} -->\n<!-- /trace -->\n" for name in ("read", "again"))

    def asked(tag, second="200"):
        return {"read": {"answer": f"200 {tag * 32}"}, "again": {"answer": f"{second} {tag * 32}"}}

    stage = stages()[0]
    before = trace.filled(page, {stage: asked("a")})
    after = trace.filled(before, {stage: asked("b", answer)})

    assert (after == before) == kept
    assert after.count("a" * 32) == 2 * kept
    assert after.count("b" * 32) == 2 * (not kept)


@needs_curl
@pytest.mark.parametrize("file", DOCUMENTS, ids=[file.name for file in DOCUMENTS])
def test_document__its_commands_run_again__print_what_is_shown(file):
    note = load_note(file)
    printed = outputs(note)

    assert printed
    assert str(shown(note, printed)) == file.read_text()


@needs_curl
def test_docs_run__commands__are_shown_with_what_they_print(checkout):
    note = checkout.path / "docs/01_plain.md"
    note.parent.mkdir()
    note.write_text(RUN)

    checkout.stage("docs", "--write", "--run")

    text = note.read_text()
    assert "$ curl -si localhost:8001/\nHTTP/1.1 200 OK\nDate: " in text
    assert text.endswith(
        "\n\n$ WORD=two\n\n$ echo $WORD; echo three >&2\ntwo\nthree\n```\n<!-- /run -->\n"
    )
    later = text.replace("Date: ", "Date: long ago, ")
    note.write_text(later)
    checkout.stage("docs", "--write", "--run")
    assert note.read_text() == later
    note.write_text(text.replace("three\n`", "four\n`"))
    checkout.stage("docs", "--write", "--run")
    assert same(note.read_text(), text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Date: Sat, 21 Nov 2026 07:56:44 GMT\nX: 1", "Date: Sun, 22 Nov 2026 07:56:44 GMT\nX: 1"),
        ("X-Request-ID: " + "0" * 32, "X-Request-ID: " + "f" * 32),
        ("at 2026-11-21T07:58:22.038288Z", "at 2027-01-01T00:00:00Z"),
        ("date: Sat, 21 Nov 2026\nserver: a", "date: Sun, 22 Nov 2026\nserver: b"),
        ("GET page:" + "0" * 64, "GET page:" + "f" * 64),
        ("month 2026-11", "month 2027-01"),
        ("in 3.25 ms", "in 12 ms"),
        ('"eyJhbGciOiJ.eyJz-dWIi.x_Y"', '"eyJhbGciOiJ.eyJleHAi.z"'),
    ],
)
def test_same__what_changes_from_run_to_run__is_the_same(one, other):
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("HTTP/1.1 200 OK", "HTTP/1.1 404 OK"), ("open_todos 1", "open_todos 2"), ("a", "a\nb")],
)
def test_same__what_says_something__is_not(one, other):
    assert not same(one, other)


def test_fits__line_of_an_ellipsis__stands_for_any_lines():
    printed = "one at 2026-11-21\ntwo\nthree\nfour"

    assert fits("…\ntwo\n…\nfour", printed)
    assert fits("one at 2027-01-01\n…\ntwo\n…", printed)
    assert not fits("…\nthree\n…\ntwo\n…", printed)
    assert not fits("one at 2026-11-21\ntwo\nthree", printed)
    assert not fits("…\nfive\n…", printed)


def test_same_but_figures__figures_and_words__are_told_apart():
    assert same_but_figures("49 == 50", "7 == 50")
    assert not same_but_figures("49 == 50", "49 != 50")


def test_shortened__command__shows_what_a_reader_wants_of_it():
    body = b64encode(b'[[4], {}, {"chain": null}]').decode()
    message = {"body": body, "headers": {"task": "t", "id": "i", "retries": 0, "origin": "host"}}

    read = '{"task": "t", "id": "i", "args": [4], "retries": 0}'
    assert trace.shortened(f"LPUSH jobs:mail {json.dumps(message)}") == f"LPUSH jobs:mail {read}"
    assert trace.shortened("DEL one two") == "DEL one two"
    assert trace.shortened(f"SET page {'x' * 200}") == f"SET page {'x' * 151}…"
