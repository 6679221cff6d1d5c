"""Three-way merges of one stage's change into another stage, file by file, on git's objects."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory

import click

from stages.layout import Stage
from stages.trees import Blob, Change, Snapshot, conflict_lines

# By path: the committed version that was changed, and the changed version that was carried.
Carried = dict[str, tuple[Blob | None, Blob | None]]


@dataclass
class Step:
    """What the change of one stage does to the next: its new contents and a word on each file."""

    source: Stage
    target: Stage
    results: dict[str, Blob | None] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    carried: Carried = field(default_factory=dict)
    own: list[str] = field(default_factory=list)
    """The files of the target that had uncommitted changes before, carried ones aside."""


def merge_step(snapshot: Snapshot, step: Step, changes: list[Change], before: Carried) -> Snapshot:
    """Merge the changes of the step's source into its target; the snapshot as it is after that."""
    target = f"HEAD:{step.target.name}"
    committed = snapshot.files(target) if snapshot.has(target) else {}
    ours = snapshot.files(snapshot.of(step.target))
    own = {path for path in ours | committed if ours.get(path) != committed.get(path)}
    for change in changes:
        if not all(blob is None or blob.mode.startswith("100") for blob in change[2:]):
            raise click.ClickException(
                f"{step.source.name}/{change.path}: carry takes plain files only"
            )
        base, path = change.old, change.path
        old, last = before.get(path, (None, None))
        # A file that the target has as committed was reset since: what it got then is gone.
        if path in before and path in own and old == base and (not last or snapshot.has(last.sha)):
            base = last
            own -= {path, change.old_path}
        _merge_file(snapshot, step, change, base, ours)
    step.own = sorted(own)
    rows = (
        f"{blob.mode if blob else 0} {blob.sha if blob else '0' * 40}\t{step.target.name}/{path}\0"
        for path, blob in sorted(step.results.items(), key=lambda item: item[1] is not None)
    )
    snapshot.git("update-index", "-z", "--index-info", stdin=os.fsencode("".join(rows)))
    return Snapshot(snapshot.env, snapshot.git("write-tree").decode().strip())


def _merge_file(
    snapshot: Snapshot, step: Step, change: Change, base: Blob | None, ours: dict[str, Blob]
) -> None:
    path, source = change.path, change.old_path
    here = ours.get(path)
    moves = source != path and here is None and source in ours
    if moves:
        here = ours[source]
    elif source != path and source in ours:
        base = None  # The target has a file of the new name already: two additions.
    result, word = _settle(snapshot, step, base, change.new, here)
    if word == "not there":
        step.absent.append(path)
    else:
        step.carried[path] = (change.old, change.new)
    if word.startswith("CONFLICT"):
        step.conflicts.append(path)
    if moves:
        step.results[source] = None
        word = f"moved from {source}, {word}"
    if result != ours.get(path):
        if result and path not in ours and (step.target.path / path).exists():
            raise click.ClickException(
                f"{step.target.name}/{path}, which git ignores, is in the way"
            )
        step.results[path] = result
    step.outcomes[path] = word


def _settle(
    snapshot: Snapshot, step: Step, base: Blob | None, theirs: Blob | None, ours: Blob | None
) -> tuple[Blob | None, str]:
    if ours == theirs:
        return ours, "there already"
    if base == theirs:
        return ours, "carried before"
    if ours is None:
        return (None, "not there") if base else (theirs, "added")
    if ours == base:
        return theirs, "taken" if theirs else "deleted"
    content, clean = _merge_contents(snapshot, step, ours, base, theirs)
    mode = theirs.mode if base and theirs and theirs.mode != base.mode else ours.mode
    sha = snapshot.git("hash-object", "-w", "--stdin", stdin=content).decode().strip()
    if clean and theirs:
        return Blob(mode, sha), "merged"
    lines = ", ".join(map(str, conflict_lines(content)))
    where = f"at line {lines}" if lines else "of binary files, left as it is"
    reason = "" if theirs else f" (deleted in {step.source.name})"
    return Blob(mode, sha), f"CONFLICT {where}{reason}"


def _merge_contents(
    snapshot: Snapshot, step: Step, ours: Blob, base: Blob | None, theirs: Blob | None
) -> tuple[bytes, bool]:
    contents = [
        snapshot.git("cat-file", "blob", blob.sha) if blob else b"" for blob in (ours, base, theirs)
    ]
    names = (step.target.name, f"{step.source.name} before", step.source.name)
    labels = [part for name in names for part in ("-L", name)]
    with TemporaryDirectory(prefix="strata-") as folder:
        files = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        command = ["git", "merge-file", "--stdout", "--diff3", *labels, *map(str, files)]
        merged = run(command, env=snapshot.env, capture_output=True, check=False)
    if merged.returncode > 127:  # Not text: there is nothing to merge line by line.
        return contents[0], False
    return merged.stdout, merged.returncode == 0
