"""``./stage diff``: what one stage changes in another, in reading order."""

import os
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

import click

from stages.compare import FileDiff, compare
from stages.layout import STAGE, Stage

# The groups of --stat's sums, by the folders that a path goes through; all else is code.
APART = ("tests", "migrations")
COLORS = {"+": "green", "-": "red"}


@click.command()
@click.argument("old", type=STAGE)
@click.argument("new", type=STAGE)
@click.argument("path", required=False)
@click.option("--stat", is_flag=True, help="Only how much each file changes, and the sums.")
@click.option("--color/--no-color", default=None, help="Colours even when piped, or never.")
def diff(old: Stage, new: Stage, path: str | None, stat: bool, color: bool | None) -> None:
    """Show what stage NEW adds to stage OLD: wiring first, tests last.

    PATH, such as blog or blog/models.py, shows that folder or file alone. On a terminal the
    diff is coloured and paged; in a pipe it is a plain patch that `patch -p1` applies to OLD.
    """
    if old == new:
        raise click.UsageError(f"{old.name} does not differ from itself; name two stages")
    files = compare(old, new)
    if path is not None:
        files = select(files, path, old, new)
    colored = sys.stdout.isatty() if color is None else color
    if stat:
        click.echo("\n".join(summary(files)))
    elif not files:
        click.echo(f"{old.name} and {new.name} do not differ{f' in {path}' if path else ''}")
    elif colored:
        os.environ.setdefault("LESS", "FRX")  # As git pages: colours, and no wait for one screen.
        shown = (part for file in files for part in pretty(file))
        if sys.stdout.isatty():
            click.echo_via_pager(shown, color=True)
        else:
            click.echo("".join(shown), color=True, nl=False)
    else:
        click.echo(b"".join(file.text for file in files), nl=False)


def select(files: list[FileDiff], path: str, old: Stage, new: Stage) -> list[FileDiff]:
    """The files at or below a path, which may begin with either stage's name."""
    wanted = PurePosixPath(path)
    if wanted.parts and wanted.parts[0] in (old.name, new.name):
        wanted = wanted.relative_to(wanted.parts[0])
    if not any((stage.path / wanted).exists() for stage in (old, new)):
        raise click.UsageError(f"neither {old.name} nor {new.name} has {wanted}")
    return [
        file
        for file in files
        if any(
            PurePosixPath(name).is_relative_to(wanted) for name in (file.path, file.change.old_path)
        )
    ]


def summary(files: list[FileDiff]) -> Iterator[str]:
    """The lines of ``--stat``: a row per file, then the sums of code, migrations and tests."""
    width = max([len(file.path) for file in files], default=4)
    sums: dict[str, list[int]] = {"code": [0, 0, 0]} | {name: [0, 0, 0] for name in APART}
    for file in files:
        yield f"{file.path:<{width}}  {file.added:>+6} {-file.removed:>6}  {describe(file)}"
        parts = PurePosixPath(file.path).parts
        group = sums[next((name for name in APART if name in parts), "code")]
        for place, number in enumerate((1, file.added, file.removed)):
            group[place] += number
    for name, (count, added, removed) in sums.items():
        yield f"{name:<{width}}  {added:>+6} {-removed:>6}  in {count} files"


def describe(file: FileDiff) -> str:
    """What became of a file, in words: its status, its old name, a change of mode."""
    change, words = file.change, [str(file.status)]
    if file.status == "renamed":
        words.append(f"from {change.old_path}")
    if change.old and change.new and change.old.mode != change.new.mode:
        words.append(f"mode {change.old.mode} -> {change.new.mode}")
    if file.binary:
        words.append("binary")
    return ", ".join(words)


def pretty(file: FileDiff) -> Iterator[str]:
    """A file's diff for a terminal: a heading, then the hunks under the names they touch."""
    heading = f"── {file.path} "
    yield click.style(f"{heading:─<72}", bold=True)
    yield f" {describe(file)}, +{file.added} -{file.removed}\n"
    for hunk in file.hunks:
        patch, name = hunk.patch, hunk.address.partition("::")[2]
        if len(hunk.addresses) > 1:
            name += f" and {len(hunk.addresses) - 1} more"
        old = f"-{patch.source_start},{patch.source_length}"
        new = f"+{patch.target_start},{patch.target_length}"
        yield click.style(f"@@ {old} {new} @@ {name}".rstrip(), fg="cyan") + "\n"
        for line in patch:
            yield click.style(str(line).rstrip("\n"), fg=COLORS.get(line.line_type)) + "\n"
    yield "\n"
