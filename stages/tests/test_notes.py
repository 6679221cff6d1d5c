"""``./stage check --only notes``: one fault of each kind, on dummy stages."""

import pytest
from clones import NOTES, Clone, make_clone

NOTE = "docs/02_y.md"


@pytest.fixture
def clone(tmp_path):
    clone = make_clone(tmp_path)
    clone.write_notes()
    return clone


@pytest.fixture
def pair(clone):
    clone.leave_two_stages()
    return clone


def change(path: str, old: str, new: str):
    return lambda clone: clone.replace(path, old, new)


def add(path: str, content: str):
    return lambda clone: clone.write(
        path, clone.read(path) + content if (clone.root / path).exists() else content
    )


def in_note(old: str, new: str):
    """Change the note, and fill it."""

    def spoil(clone: Clone) -> None:
        clone.replace(NOTE, old, new)
        clone.stage("docs", "--write", code=1)

    return spoil


def second_note(clone: Clone) -> None:
    clone.write("docs/02_z.md", clone.read(NOTE))


def fold_store(clone: Clone) -> None:
    block = "{0} blog/store.py -->\n<!-- /{0}"
    clone.write(NOTE, NOTES["02_y"].replace(block.format("hunk"), block.format("fold")))


def no_note(clone: Clone) -> None:
    (clone.root / NOTE).unlink()


EXPLAINED = "The blog is an application now, since only those have tables.\n"
ROW = "A post is a row and not an entry of a dict, so that it is still there tomorrow.\n"
PROOFS = """\
import pytest


@pytest.mark.proof(claim="Rows outlive a restart.", before="404")
def test_row__restarted__is_there():
    assert True
"""
MODEL = "<!-- hunk blog/models.py -->"
FAULTS = {
    "words deleted": (
        change(NOTE, ROW, ""),
        "blog/models.py has no words of its own; write its words in docs/02_y.md",
    ),
    "words of a hunk too few to say anything": (
        change(NOTE, EXPLAINED, "The settings.\n"),
        "config/settings.py has no words of its own; write its words in docs/02_y.md",
    ),
    "words said twice": (
        change(NOTE, ROW, EXPLAINED),
        "blog/models.py has the words of config/settings.py; write its words in docs/02_y.md",
    ),
    "words said in another note": (
        change(
            "docs/03_z.md", "Explicit on purpose: no field is shown that is not named here.", ROW
        ),
        "blog/serializers.py has the words of blog/models.py; write its words in docs/03_z.md",
    ),
    "hunk changed": (
        change("stage02_y/blog/services.py", "return row", "return [row]"),
        "blog/services.py::save is not as the code is; ./stage docs --write",
    ),
    "shown block edited by hand": (
        change(NOTE, "+    return row", "+    return Row"),
        "blog/services.py::save is not as the code is; ./stage docs --write",
    ),
    "folded file changed": (
        change("stage02_y/blog/migrations/0001_initial.py", "initial = True", "initial = 1"),
        "blog/migrations/0001_initial.py is not as the code is; ./stage docs --write",
    ),
    "line added to a function": (
        change("stage02_y/blog/services.py", "words = text.split()", "words = text.split(None)"),
        f"{NOTE}: does not show blog/services.py::second of stage02_y; "
        f"write its words and <!-- hunk blog/services.py::second --> in {NOTE}, "
        "then ./stage docs --write",
    ),
    "function added": (
        add("stage02_y/blog/services.py", "\n\ndef fourth():\n    return 4\n"),
        "does not show blog/services.py::fourth of stage02_y",
    ),
    "function removed": (
        change("stage02_y/todos/rules.py", "LIMIT = 10\n", ""),
        "does not show todos/rules.py (LIMIT) of stage02_y",
    ),
    "constant added beside a function that is shown": (
        change("stage02_y/blog/services.py", "def first", "SIZE = 9\n\n\ndef first"),
        "does not show blog/services.py (SIZE) of stage02_y",
    ),
    "import added where nothing is shown": (
        change("stage02_y/blog/views.py", "def view", "import os\n\n\ndef view"),
        "does not show blog/views.py of stage02_y",
    ),
    "one definition of a new file shown alone": (
        in_note(MODEL, "<!-- hunk blog/models.py::Post.Meta -->"),
        "does not show blog/models.py::Post of stage02_y",
    ),
    "new file not shown": (
        add("stage02_y/blog/signals.py", "SIGNAL = 1\n"),
        "does not show blog/signals.py (SIGNAL) of stage02_y",
    ),
    "new test not listed": (
        add("stage02_y/tests/test_02_y.py", "def test_y():\n    assert True\n"),
        f"{NOTE}: does not list tests/test_02_y.py of stage02_y; "
        f"write <!-- fold tests/test_02_y.py --> in {NOTE}, then ./stage docs --write",
    ),
    "definition renamed in the code": (
        change("stage02_y/blog/services.py", "def save", "def store"),
        "shows blog/services.py::save, but stage02_y changes nothing of that name; "
        "mend the address or take it out",
    ),
    "file not changed any more": (
        lambda clone: (clone.root / "stage03_z/blog/serializers.py").unlink(),
        "docs/03_z.md:5: shows blog/serializers.py, but stage03_z does not change that file",
    ),
    "file shown though its definitions are": (
        in_note(MODEL, f"{MODEL}\n<!-- /hunk -->\n<!-- hunk blog/models.py::Post,nothing -->"),
        "shows blog/models.py::nothing, but stage02_y changes nothing of that name",
    ),
    "hunk shown twice": (
        in_note("That was all.", "<!-- hunk README.md -->\n<!-- /hunk -->"),
        "shows README.md again; take one out",
    ),
    "code folded": (
        fold_store,
        "folds blog/store.py, which is neither a test, a migration nor data; "
        "show it in a block of kind hunk",
    ),
    "code of the first stage folded": (
        lambda clone: clone.write(
            "docs/01_x.md",
            "<!-- fold manage.py -->\n<!-- /fold -->\n",
        ),
        "folds manage.py, which is neither a test, a migration nor data; "
        "show it in a block of kind code",
    ),
    "definition of the first stage not read": (
        change("docs/01_x.md", "code blog/services.py", "code blog/services.py::first,third"),
        "does not show blog/services.py::second of stage01_x; "
        "write <!-- code blog/services.py::second --> in docs/01_x.md, then ./stage docs --write",
    ),
    "data of the first stage not listed": (
        add("stage01_x/blog/demo.json", "{}\n"),
        "docs/01_x.md: does not list blog/demo.json of stage01_x",
    ),
    "proof not run": (
        lambda clone: (
            add("stage02_y/tests/test_02_proofs.py", PROOFS)(clone),
            in_note("That was all.", "<!-- proof 02 -->\n<!-- /proof -->")(clone),
        ),
        "proof 02 is not as the proofs are; ./stage docs --write --run",
    ),
    "proof of another stage": (
        in_note("That was all.", "<!-- proof 03 -->\n<!-- /proof -->"),
        "proof 03 is of another stage; write 02",
    ),
    "commands of another stage": (
        in_note("That was all.", "<!-- run 03 -->\n```console\n$ ls\n```\n<!-- /run -->"),
        "run 03 is of another stage; write 02",
    ),
    "no commands": (
        in_note("That was all.", "<!-- run 02 -->\n```console\nls\n```\n<!-- /run -->"),
        "run 02 has no commands; write each after `$ ` in a fence",
    ),
    "block without end": (
        change(NOTE, "<!-- /hunk -->\n\nThat was all.", "That was all."),
        "the block <!-- hunk README.md --> has no end; write <!-- /hunk --> below it",
    ),
    "note missing": (no_note, "docs/02_y.md: is missing; write the note of stage02_y"),
    "note too many": (
        second_note,
        "docs/02_z.md: is a second note of stage02_y; join it to 02_y.md",
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_check__note_and_code_differ__names_what_and_what_mends_it(clone, kind):
    spoil, expected = FAULTS[kind]
    spoil(clone)

    said = clone.stage("check", "--only", "notes", code=1)

    assert said.startswith("✗ notes ")
    assert expected in said


def test_check__missing_note__is_one_line(clone):
    no_note(clone)

    said = clone.stage("check", "--only", "notes", code=1)

    assert said.count("\n") == 3  # The check, the fault, the sum.


@pytest.mark.parametrize("name", ["first", "save"])
def test_check__blank_lines_changed__need_no_words(pair, name):
    pair.replace("stage02_y/blog/services.py", f"\n\n\ndef {name}", f"\n\n\n\ndef {name}")

    pair.stage("check", "--only", "notes")
