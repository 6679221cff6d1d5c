"""The notes and the comparisons of stages as pages for the generator."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from posixpath import relpath

from stages.compare import FileDiff
from stages.diff import describe
from stages.layout import Stage
from stages.notes import Block, Layer, Note
from stages.pieces import Line, Source, of_diff
from stages.website.code import lines_of, listing, patch
from stages.website.files import APART, page_name, read

FULL = 180_000  # Characters of HTML from which on diffs are left to the pages of their files.


@dataclass(frozen=True)
class Step:
    """Two stages, or the first alone, as a page shows them."""

    page: str
    """The page's own path, from which links go out."""
    old: Stage | None
    new: Stage

    def figure(
        self, source: Source, runs: Sequence[Sequence[Line]], title: str = "", was: str = ""
    ) -> str:
        """A diff or a listing under the names of what it shows, with links to the whole files."""
        sides: dict[str, tuple[str, Stage]] = {}
        if self.old and source.status not in ("new file", "given"):
            sides["before"] = was or source.path, self.old
        if source.status != "removed":
            sides["after" if sides else "whole file"] = source.path, self.new
        lines = {word: lines_of(path, read(end, path)) for word, (path, end) in sides.items()}
        after = lines.get("after") or lines.get("whole file", [])
        links = " ".join(
            f'<a href="{self.link(path, f"s{end.number}")}">{word}</a>'
            for word, (path, end) in sides.items()
        )
        given = source.status == "given"
        shown = listing(runs, after) if given else patch(runs, lines.get("before", []), after)
        name = f"<code>{escape(source.path)}</code> {escape(title)}".strip()
        return f"<figure><figcaption><span>{name}</span> {links}</figcaption>{shown}</figure>\n"

    def link(self, path: str, anchor: str) -> str:
        """The address of a file's page, at a stage or between two."""
        name = page_name(path).removesuffix(".md") + ".html"
        return f"{relpath(name, self.page.rpartition('/')[0] or '.')}#{anchor}"


def note_page(page: str, layer: Layer, note: Note) -> str:
    """A note with its hunks in colours, each beside its words."""
    step = Step(page, layer.before, layer.stage)
    return "".join(_block(step, layer, note, block) for block in note.blocks) + note.rest


def _block(step: Step, layer: Layer, note: Note, block: Block) -> str:
    source = layer.source(block)
    if block.kind not in ("hunk", "code", "fold") or not source:
        return f"{block.before}{block.inside}\n\n{block.filled}\n"
    if block.kind == "fold":
        return f"{block.before}{block.inside}\n\n{_folded(step, source)}\n"
    runs = list(source.excerpt(block.names, note.shown(block.kind, block.path)))
    figure = step.figure(source, runs, ", ".join(filter(None, block.names)))
    # The words of a block begin below the last heading.
    above = max((found.end() for found in re.finditer(r"^#+ .*$", block.before, re.M)), default=0)
    words = f"{block.before[above:]}\n\n{block.inside}".strip()
    return f"{block.before[:above]}\n\n{_beside(words, figure) if words else figure}\n"


def _beside(words: str, figure: str) -> str:
    return (
        '<div class="hunk" markdown="1">\n<div class="words" markdown="1">\n\n'
        f"{words}\n\n</div>\n{figure}</div>\n"
    )


def _folded(step: Step, source: Source) -> str:
    what = f"{len(source.lines)} lines"
    anchor = f"s{step.new.number}"
    if step.old:
        what = f"{source.status}, +{source.count('+')} −{source.count('-')}"
        anchor = f"s{step.old.number}-{step.new.number}"
    link = f'<a href="{step.link(source.path, anchor)}"><code>{escape(source.path)}</code></a>'
    return f"<p>{link}: {what}</p>\n"


def pair_page(page: str, old: Stage, new: Stage, files: list[FileDiff]) -> str:
    """What differs between two stages: all files, and as many diffs as a page can hold."""
    step = Step(page, old, new)
    heading = f"{old.number:02} {old.layer} → {new.number:02} {new.layer}"
    parts = [
        f"{APART.format(heading)}# {heading}\n\n",
        f"The same in a terminal: `./stage diff {old.number} {new.number}`.\n\n",
        "| file | became | added | removed |\n| --- | --- | ---: | ---: |\n",
    ]
    for file in files:
        link = f"[`{file.path}`](../{page_name(file.path)}#s{old.number}-{new.number})"
        parts.append(f"| {link} | {describe(file)} | {file.added} | {file.removed} |\n")
    room = FULL
    for file in files:
        source = of_diff(file, old, new)
        figure = f"\n{step.figure(source, list(source.hunks()), was=file.change.old_path)}\n"
        room -= len(figure)
        if room < 0:
            parts.append("\nThe other diffs are on the pages of their files, see the list above.\n")
            break
        parts.append(figure)
    return "".join(parts)


def index_page(stages: Sequence[Stage], paths: Sequence[str]) -> str:
    """All comparisons and all files."""
    heads = " | ".join(f"{stage.number:02}" for stage in stages[1:])
    rows = [f"| from | {heads} |", f"| --- |{' --- |' * (len(stages) - 1)}"]
    for old in stages[:-1]:
        cells = (
            f"[{old.number:02} → {new.number:02}]({old.number}-{new.number}.md)"
            if old < new
            else ""
            for new in stages[1:]
        )
        rows.append(f"| {old.number:02} {old.layer} | {' | '.join(cells)} |")
    files = "\n".join(f"- [`{path}`](../{page_name(path)})" for path in paths)
    return (
        "# Compare\n\n## Any two stages\n\n" + "\n".join(rows) + "\n\n"
        "## Any file through all stages\n\n"
        f'<div class="paths" markdown="1">\n\n{files}\n\n</div>\n'
    )
