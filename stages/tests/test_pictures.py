"""The pictures and the table of files that ``./stage docs --write`` draws, on dummy stages."""

from xml.etree import ElementTree

import pytest
from clones import make_clone

PAGE = "docs/index.md"
BLOCKS = "".join(f"<!-- {kind} -->\n<!-- /{kind} -->\n\n" for kind in ("architecture", "matrix"))
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def clone(tmp_path):
    clone = make_clone(tmp_path)
    clone.write_notes()
    clone.write(PAGE, f"# Overview\n\n{BLOCKS}The end.\n")
    clone.stage("docs", "--write")
    return clone


def texts(clone, number):
    """What a picture says, and how each box looks."""
    picture = ElementTree.fromstring(clone.read(f"docs/architecture_0{number}.svg"))
    return [text.text for text in picture.iter(f"{SVG}text")]


def test_docs_write__pictures__are_drawn_once_and_pass_the_checks(clone):
    assert clone.read(PAGE).endswith("<!-- /matrix -->\n\nThe end.\n")
    assert "](architecture_02.svg)\n\n[Its note](02_y.md)\n" in clone.read(PAGE)
    assert clone.stage("docs", "--write") == ""
    clone.stage("check", "--only", "pictures", "--only", "links")


def test_matrix__files__are_new_changed_as_they_were_or_gone(clone):
    rows = dict(
        line.removeprefix("| [`").split("`]", 1)
        for line in clone.read(PAGE).split("\n")
        if line.startswith("| [`")
    )

    assert rows["blog/views.py"] == "(../stage03_z/blog/views.py) | ● | · | · |"
    assert rows["blog/services.py"] == "(../stage03_z/blog/services.py) | ● | ◐ | · |"
    assert rows["blog/store.py"] == "(../stage01_x/blog/store.py) | ● | ✕ |  |"
    assert rows["blog/serializers.py"] == "(../stage03_z/blog/serializers.py) |  |  | ● |"
    assert "blog/__init__.py" not in rows


def test_picture__of_a_stage__shows_what_runs_on_what_and_lights_the_new(clone):
    assert {"web", "memory of the process", "django", "store"} <= set(texts(clone, 1))
    assert {"PostgreSQL", "psycopg", "migrations/"} <= set(texts(clone, 2))
    assert "store" not in texts(clone, 3)
    words = clone.read(PAGE).partition("![Stage 02; new are ")[2].partition("]")[0].split(", ")
    assert {"PostgreSQL", "psycopg", "blog/models"} <= set(words)
    assert not {"django", "blog/services", "blog/store", "web"} & set(words)


def test_picture__of_a_stage__leads_from_who_asks_to_who_answers(clone):
    def ends(number):
        picture = ElementTree.fromstring(clone.read(f"docs/architecture_0{number}.svg"))
        return [line.get("class") for line in picture.iter(f"{SVG}line")]

    assert ends(1) == ["wire new", "wire new"]  # from clients to web, and on to its memory
    assert ends(2) == ["wire ", "wire new"]
    clone.write("stage03_z/compose.yaml", "services:\n  proxy:\n  web-a:\n  stream:\n")
    clone.stage("docs", "--write", code=1)  # No note has the file.
    assert ends(3) == ["wire new", "wire new", "wire new", "wire ", "wire new"]


def test_procfile__of_two_processes_of_one_name__is_told(clone):
    clone.write("stage02_y/Procfile", "web: one\nweb: two\n")

    assert "is not as the stages are" in clone.stage("check", "--only", "pictures", code=1)
    assert "stage02_y/Procfile: process names must be unique" in clone.stage("run", "2", code=1)


@pytest.mark.parametrize(
    ("path", "faults"),
    [
        ("stage02_y/blog/signals.py", {PAGE, "docs/architecture_02.svg"}),
        ("stage03_z/tests/test_03_z.py", {PAGE}),
    ],
)
def test_check__file_added__finds_the_pictures_old(clone, path, faults):
    clone.write(path, "ONE = 1\n")

    said = clone.stage("check", "--only", "pictures", code=1)

    assert said.startswith("✗ pictures ")
    for name in faults:
        assert f"{name}: is not as the stages are; ./stage docs --write" in said
    clone.stage("docs", "--write", code=1)  # No note has the file.
    clone.stage("check", "--only", "pictures")
