"""What every check is given and what it finds."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from stages.compare import FileDiff, compare_in
from stages.layout import Stage
from stages.trees import Blob, Snapshot


class Fault(NamedTuple):
    """One thing that is wrong: in which file, what, and what mends it."""

    where: str
    what: str
    mend: str


@dataclass(frozen=True)
class Ground:
    """The repository as the checks see it: everything read once and shared."""

    root: Path
    stages: tuple[Stage, ...]
    snapshot: Snapshot
    rules: dict[str, Any]
    """The ``[tool.strata]`` table of pyproject.toml."""

    @property
    def steps(self) -> list[tuple[Stage, Stage]]:
        """Each stage with the one after it."""
        return list(pairwise(self.stages))

    def rule(self, stage: Stage) -> dict[str, list[str]]:
        """What the step to this stage may do; empty where nothing is said."""
        found: dict[str, list[str]] = self.rules["steps"].get(f"{stage.number:02}", {})
        return found

    @cached_property
    def files(self) -> dict[Stage, dict[str, Blob]]:
        """The files of each stage."""
        return {stage: self.snapshot.files(self.snapshot.of(stage)) for stage in self.stages}

    @cached_property
    def diffs(self) -> dict[Stage, list[FileDiff]]:
        """What each stage but the first changes in the one before."""
        return {new: compare_in(self.snapshot, old, new) for old, new in self.steps}

    @cached_property
    def texts(self) -> dict[str, str]:
        """All text files that git does not ignore, by path from the top."""
        listed = self.snapshot.git("ls-files", "-z", "-c", "-o", "--exclude-standard")
        names = sorted({name for name in listed.decode(errors="replace").split("\0") if name})
        files = {name: self.root / name for name in names}
        contents = {name: file.read_bytes() for name, file in files.items() if file.is_file()}
        return {
            name: content.decode(errors="replace")
            for name, content in contents.items()
            if b"\0" not in content
        }
