"""What one stage changes in another: files in reading order, and hunks, each with its address."""

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import groupby
from typing import Literal

from unidiff.patch import Hunk as Patch
from unidiff.patch import PatchSet

from stages.layout import Stage
from stages.outline import Definition, outline, touched
from stages.trees import Change, Snapshot, take_snapshot

Status = Literal["new file", "removed", "renamed", "changed"]

# A layer is read from its wiring through data, rules and interface to its tests. The first
# pattern that fits gives a file's place; files whose places share their tens go app by app.
READING_ORDER = (
    ("tests/*", 90),
    ("README.md", 80),
    ("*/templates/*", 70),
    ("*/management/*", 60),
    ("config/settings.py", 10),
    ("config/urls.py", 11),
    ("config/*", 12),
    ("ops/*", 1),
    ("*/models.py", 20),
    ("*/migrations/*", 21),
    ("*/querysets.py", 30),
    ("*/services.py", 31),
    ("*/filters.py", 40),
    ("*/serializers.py", 41),
    ("*/permissions.py", 42),
    ("*/views.py", 43),
    ("*/urls.py", 44),
    ("*/*.py", 32),
    ("*/*", 71),
    ("*", 0),
)


@dataclass(frozen=True)
class Hunk:
    """A run of changed lines with their context."""

    path: str
    patch: Patch
    addresses: tuple[str, ...]
    """All definitions it touches, as ``blog/models.py::PostQuerySet.matching``, first to last."""

    @property
    def address(self) -> str:
        """How a text names the hunk: its first definition, or the file where it is in none."""
        return self.addresses[0] if self.addresses else self.path


@dataclass(frozen=True)
class FileDiff:
    """One file that two stages do not share as it is; paths are relative to the stage's folder."""

    change: Change
    hunks: tuple[Hunk, ...]
    binary: bool
    text: bytes
    """Its part of the unified diff, as git wrote it."""

    @property
    def path(self) -> str:
        """Where the file is in the new stage or, when it is removed, was in the old one."""
        return self.change.path

    @property
    def status(self) -> Status:
        """What became of the file."""
        if not (self.change.old and self.change.new):
            return "new file" if self.change.new else "removed"
        return "changed" if self.change.old_path == self.path else "renamed"

    @property
    def added(self) -> int:
        """How many lines the new file has that the old one had not."""
        return sum(hunk.patch.added for hunk in self.hunks)

    @property
    def removed(self) -> int:
        """How many lines of the old file are gone."""
        return sum(hunk.patch.removed for hunk in self.hunks)


def compare(old: Stage, new: Stage) -> list[FileDiff]:
    """The files that differ between two stages as they are on disk, in reading order."""
    with take_snapshot(old.path.parent, (old, new)) as snapshot:
        return compare_in(snapshot, old, new)


def compare_in(snapshot: Snapshot, old: Stage, new: Stage) -> list[FileDiff]:
    """Like :func:`compare`, in a snapshot that holds both stages."""
    trees = snapshot.of(old), snapshot.of(new)
    parts = re.split(rb"^(?=diff --git )", snapshot.patch(*trees), flags=re.MULTILINE)[1:]
    # A file that becomes a symbolic link is two parts of one heading.
    texts = [b"".join(same) for _, same in groupby(parts, lambda part: part.partition(b"\n")[0])]
    files = [
        _file(change, text, old, new)
        for change, text in zip(snapshot.changes(*trees), texts, strict=True)
    ]
    return sorted(files, key=lambda file: reading_place(file.path))


def reading_place(path: str) -> tuple[int, str, int, str]:
    """Where a file comes in reading order."""
    place = next(place for pattern, place in READING_ORDER if fnmatch(path, pattern))
    return place // 10, path.rpartition("/")[0].split("/")[0], place % 10, path


def _file(change: Change, text: bytes, old: Stage, new: Stage) -> FileDiff:
    patched = PatchSet.from_string(text.decode(errors="replace"))[0]
    if patched and change.old and change.new:
        before, after = _outline(old, change.old_path), _outline(new, change.path)
        hunks = tuple(_hunk(change.path, patch, before, after) for patch in patched)
    else:  # A new file is named as a whole, and so is a removed one.
        hunks = tuple(Hunk(change.path, patch, ()) for patch in patched)
    return FileDiff(change, hunks, patched.is_binary_file, text)


def _outline(stage: Stage, path: str) -> list[Definition]:
    return outline(path, (stage.path / path).read_text(encoding="utf-8", errors="replace"))


def _hunk(path: str, patch: Patch, before: list[Definition], after: list[Definition]) -> Hunk:
    # Blank lines around a definition are not about the one that encloses it.
    lines = [line for line in patch if line.value.strip()]
    # What only goes has no line of its own on the new side.
    names = touched(
        after, [line.target_line_no or 0 for line in lines if line.is_added]
    ) or touched(before, [line.source_line_no or 0 for line in lines if line.is_removed])
    return Hunk(path, patch, tuple(f"{path}::{name}" for name in names))
