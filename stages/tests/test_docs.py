"""``./stage docs`` and ``./stage diff --notes``, on dummy stages."""

import pytest
from clones import make_clone

from stages.notes import BadBlock, fenced, read_note
from stages.pieces import Line, Source

NOTE = "docs/02_y.md"
SAVE = "def save(row):\n    return row\n"
EXPLAINED = "The blog is an application now, since only those have tables.\n"
ROW = "A post is a row and not an entry of a dict, so that it is still there tomorrow.\n"
MODEL = "<!-- hunk blog/models.py -->"


@pytest.fixture
def clone(tmp_path):
    clone = make_clone(tmp_path)
    clone.write_notes()
    return clone


@pytest.fixture
def pair(clone):
    clone.leave_two_stages()
    return clone


def block(kind: str, address: str, text: str) -> str:
    """What is filled into a block."""
    body = text.partition(f"<!-- {kind} {address} -->\n")[2].partition(f"<!-- /{kind} -->")[0]
    return body.strip("\n")


def test_docs_write__hunk_changed__is_shown_as_it_is_and_the_check_passes(pair):
    pair.replace("stage02_y/blog/services.py", "return row", "return [row]")

    assert pair.stage("docs", "--write") == f"{NOTE}: filled\n"

    assert "+    return [row]\n" in pair.read(NOTE)
    pair.stage("check", "--only", "notes")


def test_docs_write__again__changes_nothing(clone):
    before = {path: path.read_bytes() for path in (clone.root / "docs").iterdir()}

    assert clone.stage("docs", "--write") == ""

    assert {path: path.read_bytes() for path in (clone.root / "docs").iterdir()} == before


def test_docs_write__written_by_hand__stays_wherever_it_stands(pair):
    odd = "Odd  spacing, `code`\nand *no* end of line\n\n\n```sh\n<!-- hunk not/a.py -->\n```\n\n\n"
    pair.replace(NOTE, "# 02 Y\n", odd)
    pair.replace(NOTE, "place for it.\n", "place for it.\n\nA second paragraph.\n")
    pair.replace("stage02_y/blog/services.py", "return row", "return [row]")

    pair.stage("docs", "--write")

    text = pair.read(NOTE)
    assert text.startswith(odd)
    assert text.endswith("<!-- /hunk -->\n\nThat was all.\n")
    assert "so that there is one place for it.\n\nA second paragraph.\n\n```diff" in text


def test_docs_write__words_below_what_is_filled_in__are_kept_above_it(clone):
    clone.replace(NOTE, "+    return row\n```\n", "+    return row\n```\nBelow.\n")

    clone.stage("docs", "--write")

    assert "one place for it.\n\n\nBelow.\n\n```diff\n@@" in clone.read(NOTE)


def test_docs_write__faults_left__are_told(clone):
    clone.replace(NOTE, ROW, "")

    said = clone.stage("docs", "--write", code=1)

    assert said == (
        f"{NOTE}:18: blog/models.py has no words of its own; write its words in {NOTE}\n"
        "stage: faults left in the notes: 1\n"
    )


def test_docs__run_without_write__says_how(clone):
    said = clone.stage("docs", "--run", code=2)

    assert said == "stage: --run goes with --write: ./stage docs --write --run\n"


def test_hunk__definition__shows_its_lines_without_numbers(clone):
    assert block("hunk", "blog/services.py::save", clone.read(NOTE)) == (
        "Whoever stores a row calls this, so that there is one place for it.\n\n"
        "```diff\n@@ blog/services.py @@ save\n+def save(row):\n+    return row\n```"
    )


def test_hunk__removed_file__says_so(clone):
    shown = block("hunk", "blog/store.py", clone.read(NOTE))

    assert shown.startswith("```diff\n@@ blog/store.py (removed) @@\n-ROWS = {}\n-\n-\n-def put")


def test_hunk__several_changes__are_shown_with_what_lies_between_left_out(pair):
    lines = "".join(f"    n = {number}\n" for number in range(20))
    for stage in ("stage01_x", "stage02_y"):
        path = f"{stage}/blog/services.py"
        pair.write(path, f"{pair.read(path)}\n\ndef long():\n{lines}    return n\n")
    pair.replace("stage02_y/blog/services.py", "n = 1\n", "n = 100\n")
    pair.replace("stage02_y/blog/services.py", "n = 18\n", "n = 1800\n")
    pair.replace(NOTE, "blog/services.py::save", "blog/services.py::long")

    pair.stage("docs", "--write", code=1)

    assert block("hunk", "blog/services.py::long", pair.read(NOTE)).partition("```diff\n")[2] == (
        "@@ blog/services.py @@ long\n def long():\n     n = 0\n-    n = 1\n+    n = 100\n"
        "     n = 2\n     n = 3\n     n = 4\n@@ … @@\n     n = 15\n     n = 16\n     n = 17\n"
        "-    n = 18\n+    n = 1800\n     n = 19\n     return n\n```"
    )


def test_excerpt__line_replaced_where_another_definition_begins__is_one_run():
    lines = (
        Line("-", "class Old(Table):", "Old", 0),
        Line("+", "class New:", "New", 0),
        Line("+", "class Old(Model):", "Old", 0),
    )
    source = Source("blog/models.py", "changed", lines, frozenset({"Old", "New"}))

    assert list(source.excerpt(["Old"], ["Old", "New"])) == [[lines[0], lines[2]]]


def test_hunk__imports_and_comments__go_with_the_definitions_that_follow(pair):
    pair.replace("stage02_y/blog/services.py", "import re\n", "import re\nimport uuid\n")
    pair.replace("stage02_y/blog/services.py", SAVE, f"# Why.\n\n\n# Where.\n{SAVE}")

    pair.stage("docs", "--write")

    assert block("hunk", "blog/services.py::save", pair.read(NOTE)).partition("```diff\n")[2] == (
        "@@ blog/services.py @@ save\n import json\n import re\n+import uuid\n"
        "@@ … @@\n+# Why.\n+\n+\n+# Where.\n+def save(row):\n+    return row\n```"
    )


def test_hunk__new_file_in_parts__shows_each_part_alone_and_the_rest_as_the_file(pair):
    parts = (
        "<!-- hunk blog/models.py::Post.Meta -->\n"
        "The order is what a reader of the list expects to see.\n"
        "<!-- /hunk -->\n<!-- hunk blog/models.py::Post -->\n"
        "Eighty characters are what a line of a list has room for.\n<!-- /hunk -->\n"
    )
    pair.replace(NOTE, MODEL, f"{parts}\n{ROW}\n{MODEL}")
    pair.replace("stage02_y/blog/models.py", "\n\nclass", "\nSIZE = 80\n\n\nclass")

    pair.stage("docs", "--write")

    text = pair.read(NOTE)
    assert block("hunk", "blog/models.py::Post.Meta", text).endswith(
        "@@ blog/models.py (new file) @@ Post.Meta\n"
        '+    class Meta:\n+        ordering = ("title",)'
        "\n```"
    )
    assert block("hunk", "blog/models.py::Post", text).endswith(
        "@@ Post\n+class Post(models.Model):\n+    title = models.CharField(max_length=80)\n```"
    )
    assert block("hunk", "blog/models.py", text).endswith(
        "(new file) @@\n+from django.db import models\n+\n+SIZE = 80\n```"
    )


def test_fold__short_and_long_files__are_in_the_note_or_linked(pair):
    pair.write("stage02_y/tests/test_02_short.py", "one = 1\n" * 150)
    pair.write("stage02_y/tests/test_02_long.py", "one = 1\n" * 151)
    names = ("short", "long")
    folds = [f"<!-- fold tests/test_02_{name}.py -->\n<!-- /fold -->\n" for name in names]
    pair.replace(NOTE, "That was all.\n", "".join(folds))

    pair.stage("docs", "--write")

    text = pair.read(NOTE)
    short, long = (block("fold", f"tests/test_02_{name}.py", text) for name in names)
    assert short.startswith(
        "<details><summary><code>tests/test_02_short.py</code>: new file, +150 −0</summary>\n\n"
        "```diff\n"
    )
    assert short.count("\n+one = 1") == 150
    assert long == (
        "<details><summary><code>tests/test_02_long.py</code>: new file, +151 −0</summary>\n\n"
        "[The file](../stage02_y/tests/test_02_long.py)\n\n</details>"
    )
    pair.stage("check", "--only", "notes", "--only", "links")


def test_code__definition__is_shown_as_it_is(clone):
    clone.replace("docs/01_x.md", "code blog/services.py", "code blog/services.py::first,third")

    clone.stage("docs", "--write", code=1)

    assert block("code", "blog/services.py::first,third", clone.read("docs/01_x.md")) == (
        '```python\n# blog/services.py\n"""The rules."""\n\nimport json\nimport re\n\n\n'
        'def first(text):\n    """Do the first thing."""\n    return text.strip()\n\n# …\n\n'
        'def third(text):\n    return json.dumps({"text": re.sub("a", "b", text)})\n```'
    )


def test_fenced__content_with_fences__has_a_longer_one():
    assert fenced("diff", " ````sh\n+x") == "`````diff\n ````sh\n+x\n`````"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<!-- hnk a.py -->\n", "n.md:1: <!-- hnk a.py --> is no block; there are hunk, "),
        ("\n<!-- hunk -->\n", "n.md:2: <!-- hunk --> does not say of what; write <!-- hunk a/"),
        ("<!-- fold a -->\n", "n.md:1: the block <!-- fold a --> has no end; write <!-- /fold"),
        ("<!-- /fold -->\n", "n.md:1: <!-- /fold --> ends no block; open it with <!-- fold "),
        ("<!-- fold a -->\n<!-- /hunk -->\n", "n.md:2: <!-- /hunk --> ends no block; open it"),
        ("<!-- fold a -->\n<!-- fold b -->\n", "n.md:2: <!-- fold b --> is in a block; write"),
    ],
)
def test_read_note__bad_block__says_where_and_what_mends_it(text, complaint):
    with pytest.raises(BadBlock) as caught:
        read_note("n.md", text)

    assert caught.value.message.startswith(complaint)


def test_docs_write__bad_block__is_refused_in_one_line(clone):
    clone.replace(NOTE, "That was all.", "<!-- hunk README.md -->")
    before = clone.read(NOTE)

    said = clone.stage("docs", "--write", code=1)

    assert said.count("\n") == 1
    assert "<!-- hunk README.md --> has no end" in said
    assert clone.read(NOTE) == before


def test_diff_notes__one_step__has_the_words_above_each_hunk(clone):
    said = clone.stage("diff", "1", "2", "--notes")

    for words, hunk in [
        (EXPLAINED, "\n@@ config/settings.py @@\n"),
        (ROW, "\n@@ blog/models.py (new file) @@\n"),
        ("Whoever stores a row calls this", "\n@@ blog/services.py @@ save\n+def save(row):\n"),
    ]:
        place = said.index(words.split(",")[0])
        assert hunk in said[place : place + 220]
    assert "<!--" not in said
    assert "\x1b" not in said


def test_diff_notes__hunk_that_no_note_explains__is_shown_bare(clone):
    clone.replace("stage02_y/blog/views.py", "return request", "return 1")

    said = clone.stage("diff", "1", "2", "blog/views.py", "--notes")

    assert said.endswith(
        "@@ blog/views.py @@ view\n def view(request):\n-    return request\n+    return 1\n\n"
    )


def test_diff_notes__color__has_colours(clone):
    said = clone.stage("diff", "1", "2", "blog", "--notes", "--color")

    assert "\x1b[36m@@ blog/services.py @@ save\x1b[0m\n\x1b[32m+def save(row):\x1b[0m\n" in said


@pytest.mark.parametrize(
    ("args", "code", "complaint"),
    [
        (("1", "3"), 2, "stage: a note is about one step: ./stage diff 1 2 --notes\n"),
        (("2", "1"), 2, "stage: a note is about one step: ./stage diff 1 2 --notes\n"),
        (("1", "2", "--stat"), 2, "stage: --stat shows no hunks: take --notes or --stat\n"),
        (("2", "3"), 1, "stage: stage03_z has no note yet: leave out --notes\n"),
    ],
)
def test_diff_notes__bad_use__is_refused_in_one_line(clone, args, code, complaint):
    (clone.root / "docs/03_z.md").unlink()

    assert clone.stage("diff", *args, "--notes", code=code) == complaint


def test_docs_run__proofs__are_shown_as_they_print_and_figures_stay(checkout):
    note = checkout.path / "docs/02_data.md"
    note.parent.mkdir()
    note.write_text("<!-- proof 02 -->\n<!-- /proof -->\n")
    checkout.stage("docs", "--write", "--run")

    text = note.read_text()
    assert text.startswith(
        "<!-- proof 02 -->\n```text\n$ ./stage prove 2\nproof: words are kept in a database\n"
        "    ✓ stage01_plain: fails, as it must: assert b'stage02_data' in b'hello from memory'\n"
    )

    note.write_text(text.replace("b'stage02_data' in", "b'stage99_data' in"))
    checkout.stage("docs", "--write", "--run")
    assert "b'stage99_data' in" in note.read_text()


def test_docs_run__proof_fails__is_told_in_one_line_and_the_note_stays(checkout):
    note = checkout.path / "docs/02_data.md"
    note.parent.mkdir()
    note.write_text("<!-- proof 02 -->\n<!-- /proof -->\n")
    (checkout.path / "stage02_data/tests/test_02_proofs.py").write_text(
        "def test_no():\n    pass\n"
    )

    done = checkout.stage("docs", "--write", "--run")

    assert done.stderr.endswith("stage: a proof of stage02_data fails: ./stage prove 2\n")
    assert note.read_text() == "<!-- proof 02 -->\n<!-- /proof -->\n"
