"""A small clone for tests: the tool itself beside three dummy stages, under git."""

import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = '''\
"""The rules."""

import json
import re


def first(text):
    """Do the first thing."""
    return text.strip()


def second(text):
    # Order matters here.
    words = text.split()
    return sorted(words)


def third(text):
    return json.dumps({"text": re.sub("a", "b", text)})
'''
SHARED = {
    ".env.example": "DEBUG=true\n",
    "Procfile": "web: python manage.py runserver $PORT\n",
    "manage.py": "from django.core.management import execute_from_command_line\n",
    "config/__init__.py": "",
    "config/settings.py": 'SECRET_KEY = "for tests"\nINSTALLED_APPS = []\n',
    "config/urls.py": "urlpatterns = []\n",
    "blog/__init__.py": "",
    "blog/services.py": SERVICES,
    "blog/views.py": "def view(request):\n    return request\n",
    "todos/__init__.py": "",
    "todos/rules.py": "LIMIT = 10\n",
    "tests/test_contract_posts.py": "def test_posts__listed__ok():\n    assert True\n",
}
MODEL = """\
from django.db import models


class Post(models.Model):
    title = models.CharField(max_length=80)

    class Meta:
        ordering = ("title",)
"""
MIGRATION = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Post",
            fields=[
                (
                    "id",
                    models.AutoField("ID", auto_created=True, primary_key=True, serialize=False),
                ),
                ("title", models.CharField(max_length=80)),
            ],
            options={"ordering": ("title",)},
        )
    ]
"""
STORE = "ROWS = {}\n\n\ndef put(key, row):\n    ROWS[key] = row\n"
WITH_DATABASE = {
    "config/settings.py": """\
SECRET_KEY = "for tests"
INSTALLED_APPS = ["blog"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
""",
    "blog/models.py": MODEL,
    "blog/migrations/__init__.py": "",
    "blog/migrations/0001_initial.py": MIGRATION,
    "blog/services.py": SERVICES.replace(
        "def third", "def save(row):\n    return row\n\n\ndef third"
    ),
}
NOTES = {
    "01_x": """\
# 01 X

<!-- fold .env.example -->
<!-- /fold -->
<!-- fold Procfile -->
<!-- /fold -->
<!-- code manage.py -->
<!-- /code -->
<!-- code config/settings.py -->
<!-- /code -->
<!-- code config/urls.py -->
<!-- /code -->
<!-- code blog/services.py -->
<!-- /code -->
<!-- code blog/store.py -->
<!-- /code -->
<!-- code blog/views.py -->
<!-- /code -->
<!-- code todos/rules.py -->
<!-- /code -->
""",
    "02_y": """\
# 02 Y

## Settings

The blog is an application now, since only those have tables.

<!-- hunk config/settings.py -->
<!-- /hunk -->

A post is a row and not an entry of a dict, so that it is still there tomorrow.

<!-- hunk blog/models.py -->
<!-- /hunk -->
<!-- fold blog/migrations/0001_initial.py -->
<!-- /fold -->

<!-- hunk blog/services.py::save -->
Whoever stores a row calls this, so that there is one place for it.
<!-- /hunk -->

The dict goes with its process, and nobody misses it from now on.

<!-- hunk blog/store.py -->
<!-- /hunk -->

The README says which stage it is, and that is all that it says.

<!-- hunk README.md -->
<!-- /hunk -->

That was all.
""",
    "03_z": """\
# 03 Z

Explicit on purpose: no field is shown that is not named here.

<!-- hunk blog/serializers.py -->
<!-- /hunk -->

Here too the README says which stage it is, and nothing else.

<!-- hunk README.md -->
<!-- /hunk -->
""",
}


@dataclass(frozen=True)
class Clone:
    """A repository of three stages, committed, at ``root``."""

    root: Path

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file, folders included."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, path: str) -> str:
        """The text of a file."""
        return (self.root / path).read_text(encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a file's text where it says ``old``."""
        assert old in self.read(path)
        self.write(path, self.read(path).replace(old, new))

    def write_notes(self) -> None:
        """Write a sound note for each stage, and fill it."""
        for name, text in NOTES.items():
            self.write(f"docs/{name}.md", text)
        self.stage("docs", "--write")

    def leave_two_stages(self) -> None:
        """Take out the third, whose diff would show what is changed in the second alone."""
        shutil.rmtree(self.root / "stage03_z")
        (self.root / "docs/03_z.md").unlink()

    def git(self, *args: str) -> str:
        """Run git in the clone."""
        who = ("-c", "user.name=alice", "-c", "user.email=alice@example.org")
        command = ["git", *who, *args]
        return subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=True
        ).stdout

    def commit(self) -> None:
        """Commit all there is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Go on")

    def state(self) -> str:
        """All uncommitted changes and untracked files, for comparing."""
        self.git("add", "--all", "--intent-to-add")
        return self.git("diff", "HEAD")

    def stage(self, *args: str, code: int = 0, **env: str) -> str:
        """Run ``./stage``; returns what it prints, errors last. The exit code must be ``code``."""
        done = subprocess.run(
            [sys.executable, "-m", "stages", *args],
            cwd=self.root,
            env={"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8", "COLUMNS": "120", **env},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


def make_clone(root: Path) -> Clone:
    """A fresh clone in a path with a space and an umlaut, its three stages committed."""
    clone = Clone(root / "a clöne")
    clone.root.mkdir()
    ignored = shutil.ignore_patterns("tests", "__pycache__")
    shutil.copytree(ROOT / "stages", clone.root / "stages", ignore=ignored)
    for name in ("pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / name, clone.root)
    clone.write("README.md", "# Dummy\n\n    ./stage diff 1 2\n")
    for number, name in enumerate(("stage01_x", "stage02_y", "stage03_z"), 1):
        files = SHARED | ({"blog/store.py": STORE} if number == 1 else WITH_DATABASE)
        files |= {"README.md": f"# Stage {number:02}: {name[-1]}\n\nA dummy.\n"}
        if number == 3:
            files |= {"blog/serializers.py": "FIELDS = ['title']\n"}
        steps = tomllib.loads(clone.read("pyproject.toml"))["tool"]["strata"]["steps"]
        files |= dict.fromkeys(steps.get(f"{number:02}", {}).get("adds", []), "")
        for path, content in files.items():
            clone.write(f"{name}/{path}", content)
    clone.git("init", "--quiet")
    clone.commit()
    return clone
