"""``./stage diff``: what one stage changes in another, in reading order."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

import click

from stages.compare import FileDiff, compare
from stages.layout import STAGE, Stage
from stages.notes import load_note, note_files, patch
from stages.pieces import Line, Source, of_diff

# The groups of --stat's sums, by the folders that a path goes through; all else is code.
APART = ("tests", "migrations")
COLORS = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@click.argument("old", type=STAGE)
@click.argument("new", type=STAGE)
@click.argument("path", required=False)
@click.option("--stat", is_flag=True, help="Only how much each file changes, and the sums.")
@click.option("--notes", is_flag=True, help="Above each hunk, what the layer's note says about it.")
@click.option("--color/--no-color", default=None, help="Colours even when piped, or never.")
def diff(
    old: Stage, new: Stage, path: str | None, stat: bool, notes: bool, color: bool | None
) -> None:
    """Show what stage NEW adds to stage OLD: wiring first, tests last.

    PATH, such as blog or blog/models.py, shows that folder or file alone. On a terminal the
    diff is coloured and paged; in a pipe it is a plain patch that `patch -p1` applies to OLD.
    """
    if old == new:
        raise click.UsageError(f"{old.name} does not differ from itself; name two stages")
    if notes and new.number != old.number + 1:
        raise click.UsageError("a note is about one step: ./stage diff 1 2 --notes")
    if notes and stat:
        raise click.UsageError("--stat shows no hunks: take --notes or --stat")
    files = compare(old, new)
    if path is not None:
        files = select(files, path, old, new)
    colored = sys.stdout.isatty() if color is None else color
    if stat:
        click.echo("\n".join(summary(files)))
    elif not files:
        click.echo(f"{old.name} and {new.name} do not differ{f' in {path}' if path else ''}")
    elif notes or colored:
        os.environ.setdefault("LESS", "FRX")  # As git pages: colours, and no wait for one screen.
        explain = annotated(old, new) if notes else pretty
        shown = (part for file in files for part in explain(file))
        if sys.stdout.isatty():
            click.echo_via_pager(shown, color=colored)
        else:
            click.echo("".join(shown), color=colored, nl=False)
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
    yield heading(file)
    for hunk in file.hunks:
        patch, name = hunk.patch, hunk.address.partition("::")[2]
        if len(hunk.addresses) > 1:
            name += f" and {len(hunk.addresses) - 1} more"
        old = f"-{patch.source_start},{patch.source_length}"
        new = f"+{patch.target_start},{patch.target_length}"
        yield click.style(f"@@ {old} {new} @@ {name}".rstrip(), fg="cyan") + "\n"
        for line in patch:
            yield styled(str(line))
    yield "\n"


def heading(file: FileDiff) -> str:
    """What stands above a file's diff on a terminal."""
    line = click.style(f"{f'── {file.path} ':─<72}", bold=True)
    return f"{line}\n {describe(file)}, +{file.added} -{file.removed}\n"


def styled(line: str) -> str:
    """A line of a diff in its colour."""
    return click.style(line.rstrip("\n"), fg=COLORS.get(line[:1])) + "\n"


def annotated(old: Stage, new: Stage) -> Callable[[FileDiff], Iterator[str]]:
    """Like :func:`pretty`, with the hunks cut and explained as in the note of the new stage."""
    notes = [load_note(file) for file in note_files(new)[:1]]
    if not notes:
        raise click.ClickException(f"{new.name} has no note yet: leave out --notes")
    blocks = [block for block in notes[0].blocks if block.kind in ("hunk", "fold")]

    def explain(file: FileDiff) -> Iterator[str]:
        yield heading(file)
        source = of_diff(file, old, new)
        shown = notes[0].shown("hunk", file.path)
        told = [block for block in blocks if block.path == file.path]
        for block in told:
            if block.words:
                yield f"\n{rendered(block.words)}\n"
            whole = block.kind == "fold"
            runs = source.hunks() if whole else source.excerpt(block.names, shown)
            yield from styled_patch(source, runs, ", ".join(filter(None, block.names)))
        untold = [name for name in source.names(shown) if name not in shown]
        if untold and not any(block.kind == "fold" for block in told):
            yield from styled_patch(source, source.excerpt(untold, shown), ", ".join(untold))
        yield "\n"

    return explain


def styled_patch(source: Source, runs: Iterable[list[Line]], names: str) -> Iterator[str]:
    """Runs of a diff in colours."""
    return map(styled, patch(source, runs, names).split("\n"))


def rendered(words: str) -> str:
    """Markdown for a terminal."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(force_terminal=True)  # click takes colours out again.
    console.width = min(console.width, 100)
    with console.capture() as capture:
        console.print(Markdown(words, hyperlinks=False))
    return "\n".join(line.rstrip() for line in capture.get().strip("\n").split("\n")) + "\n"
