"""Stage folders as git trees: what lies on disk now, read without touching the user's index."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click

from stages.layout import Stage

SETTINGS = ("core.quotePath=false", "core.autocrlf=false", "core.fsmonitor=false")
SIMILAR = "60%"  # From this likeness on, a removed and an added file are one file renamed.
CONFLICT = re.compile(rb"^(?:<{7}|\|{7}|>{7}) ", re.MULTILINE)


class Blob(NamedTuple):
    """One version of a file: its git mode (``100644``, ``100755``, ``120000``) and content id."""

    mode: str
    sha: str


class Change(NamedTuple):
    """One file that differs between two trees; ``None`` stands for a side that has no such file."""

    old_path: str
    path: str
    old: Blob | None
    new: Blob | None


@dataclass(frozen=True)
class Snapshot:
    """All stages at one moment as one git tree, and git to ask about it."""

    env: dict[str, str]
    tree: str = ""

    def git(self, *args: str, stdin: bytes = b"") -> bytes:
        """Run git and return what it prints; what goes wrong is one line for the user."""
        done = self._run(args, stdin)
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().split("\n")[0]
            raise click.ClickException(f"git {args[0]} failed: {reason}")
        return done.stdout

    def has(self, name: str) -> bool:
        """Whether git knows an object by this name, such as ``HEAD:stage02_db``."""
        return self._run(("cat-file", "-e", name)).returncode == 0

    def _run(self, args: tuple[str, ...], stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        return subprocess.run(
            ["git", *options, *args],
            cwd=self.env["GIT_WORK_TREE"],
            env=self.env,
            input=stdin,
            capture_output=True,
            check=False,
        )

    def files(self, tree: str) -> dict[str, Blob]:
        """The files below a tree such as ``HEAD:stage02_db``, by path."""
        rows = self.git("ls-tree", "-r", "-z", tree).decode(errors="surrogateescape").split("\0")
        split = (row.partition("\t") for row in rows if row)
        return {path: Blob(*meta.split(" ")[::2]) for meta, _, path in split}

    def of(self, stage: Stage) -> str:
        """The tree of one stage as it is on disk."""
        return f"{self.tree}:{stage.name}"

    def changes(self, old: str, new: str, similar: str = SIMILAR) -> list[Change]:
        """The files that differ between two trees, renames found."""
        options = ("-r", "-z", f"-M{similar}", "--no-rename-empty")
        fields = self.git("diff-tree", *options, old, new).decode(errors="surrogateescape")
        found, rest = [], iter(fields.split("\0"))
        for meta in rest:
            if not meta:
                break
            old_mode, mode, old_sha, sha, status = meta.removeprefix(":").split(" ")
            old_path = next(rest)
            path = next(rest) if status.startswith("R") else old_path
            before = None if status == "A" else Blob(old_mode, old_sha)
            after = None if status == "D" else Blob(mode, sha)
            found.append(Change(old_path, path, before, after))
        return found

    def patch(self, old: str, new: str) -> bytes:
        """The unified diff of two trees, which ``git apply`` and ``patch -p1`` take."""
        look = ("--histogram", f"-M{SIMILAR}", "--no-rename-empty", "--no-ext-diff")
        return self.git(
            "diff-tree", "-r", "-p", *look, "--src-prefix=a/", "--dst-prefix=b/", old, new
        )


def _environment(root: Path, folder: Path, keep_objects: bool) -> dict[str, str]:
    # A hook or an alias may have set GIT_DIR and its like for a repository of its own.
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")
    }
    own = root / ".git"
    env |= {"GIT_WORK_TREE": str(root), "GIT_INDEX_FILE": str(folder / "index")}
    if not own.exists():  # An unpacked archive: a repository for the moment does as well.
        env["GIT_DIR"] = str(folder / "git")
        Snapshot(env).git("init", "--quiet")
        return env
    env["GIT_DIR"] = str(own)
    if not keep_objects:
        objects = Snapshot(env).git("rev-parse", "--git-path", "objects").rstrip(b"\n")
        env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(root / os.fsdecode(objects))
        env["GIT_OBJECT_DIRECTORY"] = str(folder / "objects")
        (folder / "objects").mkdir()
    return env


@contextmanager
def take_snapshot(
    root: Path, stages: Iterable[Stage], *, keep_objects: bool = False
) -> Iterator[Snapshot]:
    """Record the stages as they are on disk, git-ignored files left out.

    The index is a throw-away, and so are the objects unless ``keep_objects``; then they stay in
    the repository, unreferenced, until git itself prunes them.
    """
    if not shutil.which("git"):
        raise click.ClickException("git is not installed; it compares the stages: install git")
    with TemporaryDirectory(prefix="strata-") as folder:
        snapshot = Snapshot(_environment(root, Path(folder), keep_objects))
        if snapshot.has("HEAD"):  # Files that are tracked although ignored belong to the stage.
            snapshot.git("read-tree", "HEAD")
        snapshot.git("add", "--all", "--", *(stage.name for stage in stages))
        tree = snapshot.git("write-tree").decode().strip()
        yield Snapshot(snapshot.env, tree)


def conflict_lines(content: bytes) -> list[int]:
    """The line numbers at which conflicts begin."""
    starts = (match for match in CONFLICT.finditer(content) if match[0].startswith(b"<"))
    return [content.count(b"\n", 0, match.start()) + 1 for match in starts]
