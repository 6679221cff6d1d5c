"""``./stage carry``, on dummy stages under real git."""

import os

import pytest
from clones import Clone, make_clone

FIX = ("return text.strip()", "return text.strip().lower()")
MARKS = ["<" * 7, "|" * 7, "=" * 7, ">" * 7]


@pytest.fixture
def clone(tmp_path):
    return make_clone(tmp_path)


def conflict(clone: Clone) -> str:
    """A fix in stage 01 of a line that stage 02, alone, has in another way."""
    clone.replace("stage02_y/blog/services.py", FIX[0], "return text.lstrip()")
    clone.commit()
    clone.replace("stage01_x/blog/services.py", *FIX)
    return clone.stage("carry", "1", code=1)


def resolve(clone: Clone) -> None:
    text = clone.read("stage02_y/blog/services.py")
    before, _, rest = text.partition(MARKS[0])
    after = rest.partition(MARKS[3])[2].partition("\n")[2]
    clone.write("stage02_y/blog/services.py", f"{before}    return text.lstrip().lower()\n{after}")


def test_carry__one_line_fix__reaches_all_later_stages_and_keeps_what_they_added(clone):
    clone.replace("stage01_x/blog/services.py", *FIX)

    said = clone.stage("carry", "1")

    for stage in ("stage02_y", "stage03_z"):
        assert FIX[1] in clone.read(f"{stage}/blog/services.py")
        assert "def save(row)" in clone.read(f"{stage}/blog/services.py")
        assert stage in said
    assert said.count("merged") == 1  # into stage 02; stage 03 had the file of stage 02
    assert said.count("taken") == 1


def test_carry__twice__changes_nothing_twice(clone):
    clone.replace("stage01_x/blog/services.py", *FIX)
    clone.write("stage01_x/blog/new.py", "NEW = 1\n")
    (clone.root / "stage01_x/todos/rules.py").unlink()
    clone.stage("carry", "1")
    state = clone.state()

    said = clone.stage("carry", "1")

    assert clone.state() == state
    assert "of its own" not in said


def test_carry__fix_revised_after_it_was_carried__replaces_it_everywhere(clone):
    clone.replace("stage01_x/blog/services.py", *FIX)
    clone.stage("carry", "1")
    clone.replace("stage01_x/blog/services.py", FIX[1], "return text.strip().upper()")

    clone.stage("carry", "1")

    for stage in ("stage02_y", "stage03_z"):
        assert "return text.strip().upper()" in clone.read(f"{stage}/blog/services.py")


def test_carry__carried_files_reset__are_carried_again(clone):
    clone.replace("stage01_x/blog/services.py", *FIX)
    clone.stage("carry", "1")
    clone.git("checkout", "--", "stage02_y", "stage03_z")

    clone.stage("carry", "1")

    assert FIX[1] in clone.read("stage03_z/blog/services.py")


def test_carry__after_a_commit__starts_from_that_commit(clone):
    clone.replace("stage01_x/blog/services.py", *FIX)
    clone.stage("carry", "1")
    clone.commit()
    clone.replace("stage01_x/blog/services.py", "words = text.split()", "words = text.split(None)")

    clone.stage("carry", "1")

    text = clone.read("stage03_z/blog/services.py")
    assert FIX[1] in text
    assert "text.split(None)" in text


def test_carry__what_was_carried_committed_otherwise__starts_from_the_commit(clone):
    clone.replace("stage01_x/blog/services.py", *FIX)
    clone.stage("carry", "1")
    clone.replace("stage01_x/blog/services.py", FIX[1], "return text.strip().upper()")
    clone.commit()
    clone.replace("stage02_y/blog/services.py", "import json\n", "import json\nimport math\n")
    clone.replace("stage01_x/blog/services.py", "text.split()", "text.split(None)")

    clone.stage("carry", "1")

    text = clone.read("stage02_y/blog/services.py")
    assert "text.split(None)" in text
    assert FIX[1] in text


def test_carry__from_the_middle__leaves_earlier_stages_alone(clone):
    clone.replace("stage02_y/blog/models.py", "80", "90")

    clone.stage("carry", "2")

    assert "90" in clone.read("stage03_z/blog/models.py")
    assert clone.git("status", "--porcelain", "stage01_x") == ""


def test_carry__conflict__stops_there_names_files_and_loses_nothing(clone):
    said = conflict(clone)

    assert said.endswith(
        "stage: conflicts in stage02_y/blog/services.py: fix the markers, then ./stage carry 2\n"
    )
    assert "CONFLICT at line 9" in said
    text = clone.read("stage02_y/blog/services.py")
    assert all(mark in text for mark in MARKS)
    assert "return text.lstrip()\n" in text
    assert FIX[1] in text
    assert "def save(row)" in text
    assert clone.git("status", "--porcelain", "stage03_z") == ""


@pytest.mark.parametrize("number", ["1", "2"])
def test_carry__conflict_markers_left__is_refused(clone, number):
    conflict(clone)
    state = clone.state()

    said = clone.stage("carry", number, code=1)

    assert said == (
        "stage: stage02_y/blog/services.py has conflict markers at line 9: "
        "take them out, then ./stage carry 2\n"
    )
    assert clone.state() == state


def test_carry__conflict_resolved__is_carried_on_from_there(clone):
    conflict(clone)
    resolve(clone)

    said = clone.stage("carry", "2", code=1)

    assert said.endswith("stage: conflicts in stage03_z/blog/services.py: fix the markers\n")
    assert "return text.lstrip().lower()" in clone.read("stage02_y/blog/services.py")
    assert "return text.lstrip().lower()" in clone.read("stage03_z/blog/services.py")


@pytest.mark.parametrize("number", ["1", "2"])
def test_carry__adapted_on_the_way__carries_the_adaptation_on(clone, number):
    clone.replace("stage03_z/blog/services.py", FIX[0], "return text.lstrip()")
    conflict(clone)
    resolve(clone)

    clone.stage("carry", number)

    for stage in ("stage02_y", "stage03_z"):
        text = clone.read(f"{stage}/blog/services.py")
        assert "return text.lstrip().lower()" in text
        assert MARKS[0] not in text


def test_carry__file_that_a_later_stage_dropped__is_said_and_goes_no_further(clone):
    clone.replace("stage01_x/blog/store.py", "ROWS = {}", "ROWS = dict()")
    clone.write("stage03_z/blog/store.py", "its = 'own'\n")

    said = clone.stage("carry", "1")

    assert "not there" in said
    assert not (clone.root / "stage02_y/blog/store.py").exists()
    assert clone.read("stage03_z/blog/store.py") == "its = 'own'\n"


def test_carry__renamed_file__is_moved_with_what_later_stages_added(clone):
    (clone.root / "stage01_x/blog/services.py").rename(clone.root / "stage01_x/blog/rules.py")
    clone.replace("stage01_x/blog/rules.py", *FIX)

    said = clone.stage("carry", "1")

    assert "moved from blog/services.py, merged" in said
    for stage in ("stage02_y", "stage03_z"):
        assert not (clone.root / stage / "blog/services.py").exists()
        assert FIX[1] in clone.read(f"{stage}/blog/rules.py")
        assert "def save(row)" in clone.read(f"{stage}/blog/rules.py")
    state = clone.state()
    clone.stage("carry", "1")
    assert clone.state() == state


def test_carry__deleted_file__goes_where_it_is_the_same(clone):
    (clone.root / "stage01_x/todos/rules.py").unlink()
    (clone.root / "stage01_x/todos/__init__.py").unlink()

    clone.stage("carry", "1")

    assert not (clone.root / "stage02_y/todos").exists()
    assert not (clone.root / "stage03_z/todos").exists()


def test_carry__deleted_file_that_a_later_stage_changed__conflicts(clone):
    (clone.root / "stage01_x/blog/services.py").unlink()

    said = clone.stage("carry", "1", code=1)

    assert "(deleted in stage01_x)" in said
    assert MARKS[0] in clone.read("stage02_y/blog/services.py")
    assert "def save(row)" in clone.read("stage02_y/blog/services.py")


def test_carry__untracked_file__is_added_and_ignored_ones_are_not(clone):
    clone.write("stage01_x/blog/data/new.json", "{}\n")
    clone.write("stage01_x/.env", "A=1\n")

    clone.stage("carry", "1")

    assert clone.read("stage03_z/blog/data/new.json") == "{}\n"
    assert not (clone.root / "stage02_y/.env").exists()


def test_carry__added_file_that_a_later_stage_has_differently__conflicts(clone):
    clone.write("stage01_x/blog/serializers.py", "FIELDS = ['slug']\n")

    said = clone.stage("carry", "1", code=1)

    assert clone.read("stage02_y/blog/serializers.py") == "FIELDS = ['slug']\n"
    assert MARKS[0] in clone.read("stage03_z/blog/serializers.py")
    assert said.endswith("conflicts in stage03_z/blog/serializers.py: fix the markers\n")


def test_carry__added_file_that_a_later_stage_has_too__is_there_already(clone):
    clone.write("stage01_x/blog/serializers.py", "FIELDS = ['title']\n")

    assert "there already" in clone.stage("carry", "1")


def test_carry__file_in_the_way_that_git_ignores__is_kept(clone):
    clone.write("stage02_y/.gitignore", "local.py\n")
    clone.commit()
    clone.write("stage02_y/blog/local.py", "mine\n")
    clone.write("stage01_x/blog/local.py", "theirs\n")

    said = clone.stage("carry", "1", code=1)

    assert said.endswith("stage02_y/blog/local.py, which git ignores, is in the way\n")
    assert clone.read("stage02_y/blog/local.py") == "mine\n"


def test_carry__executable_bit__is_carried_and_kept(clone):
    (clone.root / "stage01_x/manage.py").chmod(0o755)
    (clone.root / "stage02_y/blog/services.py").chmod(0o755)
    clone.replace("stage01_x/blog/services.py", *FIX)

    clone.stage("carry", "1")

    assert os.access(clone.root / "stage03_z/manage.py", os.X_OK)
    assert os.access(clone.root / "stage02_y/blog/services.py", os.X_OK)


def test_carry__binary_file__is_taken_or_conflicts_as_a_whole(clone):
    for stage in ("stage01_x", "stage02_y", "stage03_z"):
        clone.write(f"{stage}/logo.png", b"\0same")
    clone.write("stage03_z/logo.png", b"\0other")
    clone.commit()
    clone.write("stage01_x/logo.png", b"\0new")

    said = clone.stage("carry", "1", code=1)

    assert (clone.root / "stage02_y/logo.png").read_bytes() == b"\0new"
    assert (clone.root / "stage03_z/logo.png").read_bytes() == b"\0other"
    assert "CONFLICT of binary files, left as it is" in said


def test_carry__uncommitted_change_of_a_later_stage__is_kept_and_said(clone):
    clone.replace("stage02_y/blog/models.py", "80", "90")
    clone.replace("stage01_x/blog/services.py", *FIX)

    said = clone.stage("carry", "1")

    assert "stage02_y has uncommitted changes of its own, kept: blog/models.py\n" in said
    assert "90" in clone.read("stage02_y/blog/models.py")
    assert "80" in clone.read("stage03_z/blog/models.py")
    clone.stage("carry", "2")
    assert "90" in clone.read("stage03_z/blog/models.py")


def test_carry_check__clean_and_conflicting__tells_and_changes_nothing(clone):
    clone.replace("stage03_z/blog/services.py", FIX[0], "return text.lstrip()")
    clone.commit()
    clone.replace("stage01_x/blog/services.py", *FIX)
    state = clone.state()

    said = clone.stage("carry", "1", "--check", code=1)

    assert "merged" in said
    assert said.endswith("stage: there would be conflicts in stage03_z/blog/services.py\n")
    assert clone.state() == state
    assert not (clone.root / ".strata").exists()


def test_carry__staged_changes__are_carried_and_the_index_is_untouched(clone):
    clone.replace("stage01_x/blog/services.py", *FIX)
    clone.git("add", "stage01_x")

    clone.stage("carry", "1")

    assert clone.git("diff", "--cached", "--name-only") == "stage01_x/blog/services.py\n"
    assert FIX[1] in clone.read("stage03_z/blog/services.py")


def test_carry__nothing_changed__is_refused_in_one_line(clone):
    said = clone.stage("carry", "1", code=2)

    assert said == "stage: stage01_x has no uncommitted change to carry\n"


def test_carry__last_stage__is_refused_in_one_line(clone):
    said = clone.stage("carry", "3", code=2)

    assert said == "stage: stage03_z is the last stage; there is none to carry into\n"


def test_carry__stage_not_committed__is_refused_in_one_line(clone):
    clone.git("rm", "-r", "--quiet", "--cached", "stage02_y")
    clone.git("commit", "--quiet", "--message", "Take stage 02 out")

    said = clone.stage("carry", "1", code=1)

    assert said == "stage: stage02_y is in no commit yet: commit it, then carry\n"
