"""``./stage diff``, on dummy stages under real git."""

import os
import pty
import shutil
import subprocess
import sys

import pytest
from clones import Clone, make_clone

from stages.compare import compare
from stages.layout import Stage


@pytest.fixture
def clone(tmp_path):
    return make_clone(tmp_path)


def stage(clone: Clone, name: str) -> Stage:
    return Stage(int(name[5:7]), clone.root / name)


def addresses(clone: Clone, path: str) -> list[tuple[str, ...]]:
    files = compare(stage(clone, "stage01_x"), stage(clone, "stage02_y"))
    return [hunk.addresses for file in files if file.path == path for hunk in file.hunks]


def paths(patch: str) -> list[str]:
    heads = [line for line in patch.splitlines() if line.startswith("diff --git ")]
    return [head.rpartition(" b/")[2] for head in heads]


def test_diff__piped__is_a_patch_that_makes_the_second_stage_of_the_first(clone):
    clone.replace("stage02_y/todos/rules.py", "LIMIT = 10\n", "LIMIT = 11")
    (clone.root / "stage02_y/manage.py").chmod(0o755)
    (clone.root / "stage02_y/blog/views.py").rename(clone.root / "stage02_y/blog/pages.py")
    clone.write("stage02_y/a file", "ä\n")

    patch = clone.stage("diff", "1", "2")

    copy = clone.root / "copy"
    shutil.copytree(clone.root / "stage01_x", copy)
    subprocess.run(["patch", "-p1", "--quiet"], cwd=copy, input=patch, text=True, check=True)
    (copy / "blog/migrations").mkdir(exist_ok=True)
    (copy / "blog/migrations/__init__.py").touch()
    same = subprocess.run(["diff", "-r", copy, clone.root / "stage02_y"], check=False)
    assert same.returncode == 0
    assert os.access(copy / "manage.py", os.X_OK)


def test_diff__two_stages__goes_from_wiring_to_tests(clone):
    clone.replace("stage02_y/Procfile", "web", "www")
    clone.write("stage02_y/tests/test_02_sql.py", "")
    clone.write("stage02_y/blog/management/commands/seed.py", "")
    clone.replace("stage02_y/blog/views.py", "view", "page")
    clone.write("stage02_y/todos/models.py", "")

    assert paths(clone.stage("diff", "1", "2")) == [
        "Procfile",
        "config/settings.py",
        "blog/models.py",
        "blog/migrations/0001_initial.py",
        "blog/migrations/__init__.py",
        "todos/models.py",
        "blog/services.py",
        "blog/store.py",
        "blog/views.py",
        "blog/management/commands/seed.py",
        "README.md",
        "tests/test_02_sql.py",
    ]


def test_diff__ignored_files__are_left_out(clone):
    before = clone.stage("diff", "1", "2")
    clone.write("stage02_y/.env", "SECRET=1\n")
    clone.write("stage02_y/blog/__pycache__/x.pyc", "x")

    assert clone.stage("diff", "1", "2") == before


def test_diff__uncommitted_and_untracked_files__are_in_it_and_the_index_is_untouched(clone):
    clone.write("stage02_y/new.txt", "new\n")
    status = clone.git("status", "--porcelain")

    assert "new.txt" in paths(clone.stage("diff", "1", "2"))
    assert clone.git("status", "--porcelain") == status == "?? stage02_y/new.txt\n"


def test_diff__no_git_repository__works_as_well(clone):
    expected = clone.stage("diff", "1", "2")
    shutil.rmtree(clone.root / ".git")

    assert clone.stage("diff", "1", "2") == expected


def test_diff__called_from_a_hook_of_another_repository__compares_this_one(clone, tmp_path):
    expected = clone.stage("diff", "1", "2")

    assert clone.stage("diff", "1", "2", GIT_COMMON_DIR=str(tmp_path)) == expected


@pytest.mark.parametrize("path", ["blog", "blog/", "stage02_y/blog", "stage01_x/blog"])
def test_diff__of_a_folder__shows_its_files_alone(clone, path):
    shown = paths(clone.stage("diff", "1", "2", path))

    assert "blog/models.py" in shown
    assert "blog/store.py" in shown
    assert all(name.startswith("blog/") for name in shown)


def test_diff__of_an_unchanged_file__says_so(clone):
    said = clone.stage("diff", "1", "2", "todos/rules.py")

    assert said == "stage01_x and stage02_y do not differ in todos/rules.py\n"


def test_diff__of_a_path_in_neither_stage__is_refused_in_one_line(clone):
    said = clone.stage("diff", "1", "2", "blog/nothing.py", code=2)

    assert said == "stage: neither stage01_x nor stage02_y has blog/nothing.py\n"


def test_diff__stage_with_itself__is_refused_in_one_line(clone):
    said = clone.stage("diff", "2", "02", code=2)

    assert said == "stage: stage02_y does not differ from itself; name two stages\n"


def test_diff__without_git__says_what_to_install(clone, tmp_path):
    said = clone.stage("diff", "1", "2", code=1, PATH=str(tmp_path))

    assert said == "stage: git is not installed; it compares the stages: install git\n"


def test_diff__backwards__shows_what_the_later_stage_had_more(clone):
    assert "+++ b/blog/store.py" in clone.stage("diff", "2", "1")


def test_diff_stat__two_stages__sums_code_migrations_and_tests_apart(clone):
    clone.write("stage02_y/tests/test_02_sql.py", "one\ntwo\n")
    (clone.root / "stage02_y/manage.py").chmod(0o755)
    clone.write("stage02_y/logo.png", b"\0\1")

    rows = [line.split() for line in clone.stage("diff", "1", "2", "--stat").splitlines()]

    assert ["blog/models.py", "+8", "0", "new", "file"] in rows
    assert ["blog/store.py", "+0", "-5", "removed"] in rows
    assert ["logo.png", "+0", "0", "new", "file,", "binary"] in rows
    assert ["manage.py", "+0", "0", "changed,", "mode", "100644", "->", "100755"] in rows
    assert rows[-3:] == [
        ["code", "+15", "-7", "in", "7", "files"],
        ["tests", "+2", "0", "in", "1", "files"],
        ["migrations", "+18", "0", "in", "2", "files"],
    ]


def test_diff__color__names_what_each_hunk_is_about(clone):
    shown = clone.stage("diff", "1", "2", "blog", "--color")

    assert "\x1b[1m── blog/models.py ─" in shown
    assert " @@ save\x1b[0m\n" in shown
    assert "\x1b[32m+def save(row):\x1b[0m" in shown


def test_diff__on_a_terminal__is_coloured_and_paged(clone):
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb") as screen:
        subprocess.run(
            [sys.executable, "-m", "stages", "diff", "1", "2", "blog/models.py"],
            cwd=clone.root,
            env={"PATH": "/usr/bin:/bin", "TERM": "xterm", "PAGER": "sed s/^/paged:/"},
            stdin=theirs,
            stdout=theirs,
            check=True,
        )
        shown = os.read(screen.fileno(), 65536).decode()
    os.close(theirs)

    assert "paged:\x1b[32m+from django.db import models\x1b[0m" in shown


def test_addresses__definitions__are_named_from_the_outside_in(clone):
    clone.write(
        "stage01_x/blog/views.py",
        "import a\n\n\nclass List:\n    size = 1\n\n    def get(self):\n        return 1\n"
        + "\n" * 9
        + "class Old:\n    pass\n",
    )
    clone.write(
        "stage02_y/blog/views.py",
        "import a\nimport b\n" + "\n" * 9 + "class List:\n    size = 1\n\n    def get(self):\n"
        "        return 2\n\n    @cached\n    def post(self):\n        return 3\n\n\n"
        "class New:\n    def get(self):\n        return 4\n",
    )
    name = "blog/views.py::"

    assert [hunk for hunk in addresses(clone, "blog/views.py") if hunk] == [
        (f"{name}List.get", f"{name}List.post", f"{name}New")
    ]


def test_addresses__pure_removal__is_named_by_what_is_gone(clone):
    clone.replace("stage02_y/blog/services.py", '    """Do the first thing."""\n', "")

    assert addresses(clone, "blog/services.py")[0] == ("blog/services.py::first",)


def test_addresses__text_without_sections__is_named_by_its_path(clone):
    for stage, text in (("stage01_x", "one\n"), ("stage02_y", "two\n")):
        clone.write(f"{stage}/notes.md", text)

    assert addresses(clone, "notes.md") == [()]


def test_addresses__whole_files_and_sections__are_named_by_path_and_heading(clone):
    clone.write("stage02_y/README.md", "# Stage 01: x\n\nA dummy.\n\n## Try\n\nIt.\n")

    assert addresses(clone, "blog/models.py") == [()]
    assert addresses(clone, "config/settings.py") == [
        ("config/settings.py::INSTALLED_APPS", "config/settings.py::DEFAULT_AUTO_FIELD")
    ]
    assert addresses(clone, "README.md") == [("README.md::Try",)]
