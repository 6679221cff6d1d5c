"""``./stage check``: one fault of each kind, on dummy stages under real git."""

import shutil
from pathlib import Path

import pytest
from clones import SERVICES, Clone, make_clone

from stages.check import CHECKS
from stages.tidy import python_meaning


@pytest.fixture
def clone(tmp_path):
    return make_clone(tmp_path)


def move(clone: Clone, old: str, new: str) -> None:
    (clone.root / old).rename(clone.root / new)


def add_field(clone: Clone) -> None:
    clone.replace("stage02_y/blog/models.py", "80)", "80)\n    body = models.TextField()")


def big_layer(clone: Clone) -> None:
    for number in range(3):
        clone.write(f"stage02_y/blog/big{number}.py", "x = 1\n" * 200)


def write(path: str, content: str):
    return lambda clone: clone.write(path, content)


def replace(path: str, old: str, new: str):
    return lambda clone: clone.replace(path, old, new)


def append(path: str, content: str):
    return lambda clone: clone.write(path, clone.read(path) + content)


REWRAPPED = ("words = text.split()", "words = (\n        text.split()\n    )")
REORDERED = ("import json\nimport re\n", "import re\nimport json\n")
FAULTS = {
    "view changed": (
        "touch",
        replace("stage02_y/blog/views.py", "request", "req"),
        "stage02_y/blog/views.py: differs from stage01_x; "
        "*/views.py stays as it is: ./stage diff 1 2 blog/views.py",
    ),
    "contract test changed": (
        "touch",
        replace("stage03_z/tests/test_contract_posts.py", "True", "1"),
        "stage03_z/tests/test_contract_posts.py: differs from stage02_y",
    ),
    "contract test executable": (
        "touch",
        lambda clone: (clone.root / "stage03_z/tests/test_contract_posts.py").chmod(0o755),
        "stage03_z/tests/test_contract_posts.py: differs from stage02_y",
    ),
    "view gone": (
        "touch",
        lambda clone: (clone.root / "stage02_y/blog/views.py").unlink(),
        "stage02_y/blog/views.py: is gone from stage01_x",
    ),
    "new file in a folder that stays": (
        "touch",
        write("stage03_z/blog/migrations/0002_more.py", ""),
        "stage03_z/blog/migrations/0002_more.py: is new to stage02_y",
    ),
    "lines rewrapped": (
        "formatting",
        replace("stage02_y/blog/services.py", *REWRAPPED),
        "stage02_y/blog/services.py:14: changes only the layout; lay it out as in stage01_x",
    ),
    "imports reordered": (
        "formatting",
        replace("stage02_y/blog/services.py", *REORDERED),
        "stage02_y/blog/services.py:",
    ),
    "quotes changed in a file": (
        "formatting",
        replace("stage02_y/blog/services.py", '"a", "b"', "'a', 'b'"),
        "stage02_y/blog/services.py:",
    ),
    "docstring rewrapped": (
        "formatting",
        replace("stage02_y/blog/services.py", "Do the first thing.", "Do the\n    first thing."),
        "stage02_y/blog/services.py:",
    ),
    "text rewrapped": (
        "formatting",
        replace("stage02_y/.env.example", "DEBUG=true\n", "DEBUG=true\n\n"),
        "stage02_y/.env.example:1: changes only the layout",
    ),
    "file moved": (
        "renames",
        lambda clone: move(clone, "stage02_y/todos/rules.py", "stage02_y/todos/limits.py"),
        "limits.py: is todos/rules.py of stage01_x, moved; keep it at todos/rules.py",
    ),
    "name missing": (
        "names",
        lambda clone: (clone.root / "stage03_z/Procfile").unlink(),
        "stage03_z/Procfile: is missing; every stage has it: add it",
    ),
    "name of its own": (
        "names",
        write("stage02_y/extra/x.py", ""),
        "stage02_y/extra: is a name that no stage before has; "
        "move it, or add it to tool.strata.steps.02.adds",
    ),
    "stage named in code": (
        "names",
        append("stage02_y/blog/services.py", "# As in stage 1.\n"),
        "stage02_y/blog/services.py:24: says 'stage 1'; only a README names stages",
    ),
    "model without migration": (
        "migrations",
        add_field,
        "stage02_y/blog: has models without a migration; "
        "./stage manage 2 makemigrations --name what_it_does",
    ),
    "settings broken": (
        "migrations",
        append("stage02_y/config/settings.py", "import nothing_such\n"),
        "stage02_y: does not start: ModuleNotFoundError: No module named 'nothing_such'",
    ),
    "migration not named": (
        "migrations",
        write("stage02_y/blog/migrations/0002_auto_20260101_0000.py", "class Migration: pass\n"),
        "0002_auto_20260101_0000.py: has a made-up name; name what it does",
    ),
    "file too long": (
        "sizes",
        write("stage02_y/blog/long.py", "\n" * 351),
        "stage02_y/blog/long.py: has 351 lines, more than 350; split it",
    ),
    "function too long": (
        "sizes",
        write("stage02_y/blog/long.py", "def f():\n" + "    x = 1\n" * 40),
        "stage02_y/blog/long.py:1: f has 41 lines, more than 40; split it",
    ),
    "file does not parse": (
        "sizes",
        write("stage02_y/blog/broken.py", "def f(:\n"),
        "stage02_y/blog/broken.py:1: is not Python (invalid syntax); mend it",
    ),
    "layer too big": ("sizes", big_layer, "stage02_y: adds 6"),
    "lock out of date": (
        "lock",
        replace("pyproject.toml", '"click>=8.5"', '"click>=8.6"'),
        "stages/requirements.lock: is older than the groups in pyproject.toml; ./stage lock",
    ),
    "lock with a host": (
        "lock",
        append("stages/requirements.lock", "--index-" + "url http://mirror/simple\n"),
        "names an index, a host or a path; ./stage lock",
    ),
    "lock with a path": (
        "lock",
        append("stages/requirements.lock", "thing @ file:" + "///srv/thing.whl\n"),
        "names an index, a host or a path; ./stage lock",
    ),
    "dead link": (
        "links",
        append("README.md", "See [this](docs/none.md).\n"),
        "README.md: links to docs/none.md, which does not exist; mend the link",
    ),
    "dead anchor": (
        "links",
        append("README.md", "See [this](stage01_x/README.md#nothing).\n"),
        "README.md: links to stage01_x/README.md#nothing, a missing heading; mend the link",
    ),
    "link to an ignored file": (
        "links",
        lambda clone: (
            clone.write(".env", ""),
            append("README.md", "See [this](.env).\n")(clone),
        ),
        "README.md: links to .env, which does not exist; mend the link",
    ),
    "dead path": (
        "links",
        append("stage01_x/README.md", "See `stage01_x/blog/none.py`.\n"),
        "stage01_x/README.md: names stage01_x/blog/none.py, which does not exist; mend the path",
    ),
    "unknown command": (
        "commands",
        append("README.md", "\n```sh\n$ ./stage fly 1\n```\n"),
        "README.md: $ ./stage fly 1: there is no command fly; mend the command",
    ),
    "unknown option": (
        "commands",
        append("README.md", "\n```sh\n./stage diff 1 2 --nothing | less\n```\n"),
        "README.md: ./stage diff 1 2 --nothing | less: No such option '--nothing'",
    ),
    "unknown stage": (
        "commands",
        append("README.md", "\nTry `./stage diff 1 9`.\n"),
        "README.md: ./stage diff 1 9: there is no stage '9'",
    ),
    "conflict markers": (
        "conflicts",
        append("stage02_y/README.md", "<" * 7 + " mine\n"),
        "stage02_y/README.md:4: has conflict markers; choose, and take them out",
    ),
    "registry named": (
        "private",
        append("stage02_y/README.md", "From pypi" + ".org.\n"),
        "stage02_y/README.md:4: names a package registry; take it out",
    ),
    "home folder named": (
        "private",
        append("stage02_y/README.md", "In /ho" + "me/alice/blog.\n"),
        "stage02_y/README.md:4: names a folder of one machine; take it out",
    ),
}


def test_check__sound_repository__passes_every_check(clone):
    clone.write_notes()

    said = clone.stage("check")

    assert [line.split()[:2] for line in said.splitlines()] == [["✓", name] for name in CHECKS]


@pytest.mark.parametrize("kind", FAULTS)
def test_check__fault__is_found_named_and_can_be_mended(clone, kind):
    name, spoil, expected = FAULTS[kind]
    spoil(clone)

    said = clone.stage("check", "--only", name, code=1)

    assert said.startswith(f"✗ {name} ")
    assert expected in said
    assert said.endswith("stage: 1 of 1 checks found faults\n")


def test_check__honest_changes__are_no_faults(clone):
    """A step may add, change and remove; blank lines and wrapping follow what it adds."""
    for stage in ("stage02_y", "stage03_z"):
        path = f"{stage}/blog/services.py"
        clone.replace(path, "import json\n", "import json\nimport random\n")
        clone.replace(path, "# Order matters", "# The order matters")
        clone.replace(
            path,
            'json.dumps({"text": re.sub("a", "b", text)})',
            'json.dumps(\n        {"text": re.sub("a", "b", text), "now": random.random()}\n    )',
        )
    clone.write(
        "README.md",
        "# Title: `one` & two\n\n## Title\n\n## Title\n\n[a](#title-1) [b](#title-one--two) "
        "[c](stage01_x/) [d](https://example.org/x) ![e](stage01_x/Procfile)\n\n"
        "Run `./stage run N`, `./stage --help` or `./stage`; see `blog/none.py`, `a/b` "
        "and `stage01_x/blog`.\n\n```sh\n./stage diff 1 2 \\\n  --stat && echo ok  # fine\n```\n",
    )
    clone.commit()

    # That what changes must be explained is for test_notes.py.
    clone.stage("check", *(f"--only={name}" for name in CHECKS if name != "notes"))


def test_check__without_git_repository__passes_as_well(clone):
    clone.write_notes()
    shutil.rmtree(clone.root / ".git")

    clone.stage("check")


def test_check__unknown_name__is_refused_in_one_line(clone):
    assert "stage: Invalid value for '--only': 'nothing'" in clone.stage(
        "check", "--only", "nothing", code=2
    )


def test_check__own_sources__do_not_trip_over_their_patterns(clone):
    tests = Path(__file__).parent
    for name in ("test_check.py", "test_carry.py", "clones.py"):
        clone.write(f"stages/tests/{name}", (tests / name).read_text(encoding="utf-8"))

    clone.stage("check", "--only", "private", "--only", "conflicts")


@pytest.mark.parametrize(
    ("new", "same"),
    [
        (SERVICES.replace("\n\n\n", "\n\n"), True),
        (SERVICES.replace(*REORDERED), True),
        (SERVICES.replace("# Order matters here.", "# Order matters\n    # here."), True),
        (SERVICES.replace("# Order matters here.", "# It matters here."), False),
        (SERVICES.replace("first thing", "last thing"), False),
        (SERVICES.replace("text.strip()", "text.rstrip()"), False),
        (SERVICES.replace("import re\n", ""), False),
        ("def broken(:", False),
    ],
)
def test_python_meaning__layout_or_content_changed__tells_them_apart(new, same):
    assert (python_meaning(new) == python_meaning(SERVICES)) is same


def test_table__code_that_is_not_python__says_where(clone):
    clone.write("stage02_y/blog/services.py", "\n<<<<<<< stage02_y\n")

    said = clone.stage(code=1)

    assert said == "stage: stage02_y/blog/services.py:2 is not Python (invalid syntax)\n"
