"""The notes in docs/: what is written in them by hand, and the blocks that the code fills.

A block is two comments, each alone on its line; ``./stage docs --write`` puts what they name
between them. Words between the two stay, above what is filled in, but fences are taken for
filled in. Other comments have no place in a note.

``<!-- hunk blog/models.py::Tag -->``
    What the layer changes in a definition; ``::Tag,Post.Meta`` is one block for several.
    Without ``::`` it is what changes in the file outside of the definitions that have blocks of
    their own. A class or function of a changed file must have one, alone or with its class; a
    new or removed file may be shown as one. Changed imports go with the first block of the file.
``<!-- code blog/views.py -->``
    The same of a file as it is in the stage.
``<!-- fold tests/test_02_sql.py -->``
    A file whose diff (in the first note: whose text) is folded away.
``<!-- proof 02 -->``
    What ``./stage prove 2`` prints.
``<!-- run 02 -->``
    Commands, each after ``$ `` in a fence, and what they print while the stage runs.

Every block of a hunk has words of its own: at least a sentence between the block or heading
before it and what is filled in, said nowhere else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

import click

from stages import pieces
from stages.compare import FileDiff
from stages.layout import ROOT, Stage
from stages.pieces import Line, Source
from stages.trees import Snapshot

KINDS = ("hunk", "code", "fold", "proof", "run")
MARK = re.compile(r"<!-- (?P<end>/?)(?P<kind>[\w-]+)(?: (?P<address>.+?))? -->\s*")
FENCE = re.compile(r"(`{3,})")
FILLED = re.compile(r"^(?:(`{3,}).*?\n\1$|<details>.*\n</details>$)", re.MULTILINE | re.DOTALL)
LONG = 150  # Lines up to which a folded file is in the note itself.
# Tests, migrations, and what programs have written or read as data.
FOLDABLE = (
    "tests/*",
    "*/migrations/*",
    "*__init__.py",
    "*.lock",
    "*.json",
    "*.csv",
    "openapi.yaml",
)


class BadBlock(click.ClickException):
    """A block that cannot be read: where, what is wrong, and what mends it."""

    def __init__(self, where: str, what: str, mend: str) -> None:
        super().__init__(f"{where}: {what}; {mend}")
        self.where, self.what, self.mend = where, what, mend


@dataclass(frozen=True)
class Block:
    """One block of a note."""

    kind: str
    address: str
    line: int
    before: str
    """What is written by hand between the block before, or the top, and this one."""
    inside: str
    """What is written by hand in the block, above what is filled in."""
    filled: str

    @property
    def path(self) -> str:
        """The file it shows."""
        return self.address.partition("::")[0]

    @property
    def names(self) -> list[str]:
        """The definitions it shows; the empty one is the file outside of them."""
        return self.address.partition("::")[2].split(",")

    @property
    def words(self) -> str:
        """Its words: from the heading or block before it to what is filled in."""
        after_heading = re.split(r"^#+ .*$", self.before, flags=re.MULTILINE)[-1]
        return f"{after_heading.strip()}\n\n{self.inside}".strip()

    def __str__(self) -> str:
        inside = f"{self.inside}\n\n" if self.inside else ""
        filled = f"{self.filled}\n" if self.filled else ""
        opening = f"<!-- {self.kind} {self.address} -->"
        return f"{self.before}{opening}\n{inside}{filled}<!-- /{self.kind} -->\n"


@dataclass(frozen=True)
class Note:
    """A note: its blocks, each with what is written before it, and what comes after the last."""

    path: str
    blocks: tuple[Block, ...]
    rest: str

    def shown(self, kind: str, path: str) -> list[str]:
        """The names that blocks of this kind show of a file."""
        blocks = (block for block in self.blocks if (block.kind, block.path) == (kind, path))
        return [name for block in blocks for name in block.names]

    def __str__(self) -> str:
        return "".join([*map(str, self.blocks), self.rest])


def read_note(path: str, text: str) -> Note:
    """Take a note apart; raises BadBlock."""
    blocks: list[Block] = []
    mark, start, lines, fence = None, 0, list[str](), ""
    before = ""
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if found := FENCE.match(line):
            fence = "" if line.rstrip() == fence else fence or found[1]
        here = None if fence else MARK.fullmatch(line)
        if not here:
            lines.append(line)
            continue
        _check_mark(f"{path}:{number}", here, mark and mark["kind"])
        if here["end"] and mark:
            blocks.append(_block(mark, start, before, "".join(lines)))
        else:
            before, start = "".join(lines), number
        mark, lines = None if here["end"] else here, []
    if mark:
        what = f"the block {mark[0].strip()} has no end"
        raise BadBlock(f"{path}:{start}", what, f"write <!-- /{mark['kind']} --> below it")
    return Note(path, tuple(blocks), "".join(lines))


def _check_mark(where: str, here: re.Match[str], inside: str | None) -> None:
    mark, kind = here[0].strip(), here["kind"]
    if kind not in KINDS:
        raise BadBlock(where, f"{mark} is no block", f"there are {', '.join(KINDS)}")
    if here["end"] and inside != kind:
        raise BadBlock(where, f"{mark} ends no block", f"open it with <!-- {kind} … -->")
    if not here["end"] and inside:
        raise BadBlock(where, f"{mark} is in a block", f"write <!-- /{inside} --> above it")
    if not here["end"] and not here["address"]:
        raise BadBlock(where, f"{mark} does not say of what", f"write <!-- {kind} a/file.py -->")


def _block(mark: re.Match[str], line: int, before: str, body: str) -> Block:
    filled = FILLED.search(body)
    inside = FILLED.sub("", body, count=1).strip()
    return Block(mark["kind"], mark["address"], line, before, inside, filled[0] if filled else "")


@dataclass(frozen=True)
class Layer:
    """What a note is about: a stage, and what it changes in the one before, if there is one."""

    stage: Stage
    before: Stage | None
    diff: list[FileDiff]
    snapshot: Snapshot

    @cached_property
    def changed(self) -> dict[str, Source]:
        """The files of the diff."""
        if not self.before:
            return {}
        return {file.path: pieces.of_diff(file, self.before, self.stage) for file in self.diff}

    @cached_property
    def given(self) -> dict[str, Source]:
        """The files of the stage."""
        paths = self.snapshot.files(self.snapshot.of(self.stage))
        return {path: pieces.of_file(self.stage, path) for path in paths}

    def source(self, block: Block) -> Source | None:
        """The file that a block shows."""
        shows_diff = block.kind == "hunk" or (block.kind == "fold" and self.before)
        return (self.changed if shows_diff else self.given).get(block.path)

    def foldable(self, path: str) -> bool:
        """Whether a file needs no words: in the first note only code does."""
        first = not self.before and not path.endswith(".py")
        return first or any(fnmatch(path, pattern) for pattern in FOLDABLE)

    def fill(self, note: Note) -> Note:
        """The note with its blocks as the code is; a block that names nothing stays as it was."""
        blocks = (replace(block, filled=self.filled(note, block)) for block in note.blocks)
        return replace(note, blocks=tuple(blocks))

    def filled(self, note: Note, block: Block) -> str:
        """What belongs into a block."""
        source = self.source(block)
        if block.kind in ("proof", "run") or not source:
            return block.filled
        if block.kind == "fold":
            return self._folded(source)
        runs = list(source.excerpt(block.names, note.shown(block.kind, block.path)))
        if not runs:
            return block.filled
        if block.kind == "code":
            language = "python" if source.path.endswith(".py") else ""
            return fenced(language, f"# {source.path}\n{code(runs)}")
        return fenced("diff", patch(source, runs, ", ".join(filter(None, block.names))))

    def _folded(self, source: Source) -> str:
        if source.status == "given":
            plural = "s" * (len(source.lines) != 1)
            summary = f"{len(source.lines)} line{plural}"
            content = fenced("", code(source.hunks()))
        else:
            summary = f"{source.status}, +{source.count('+')} −{source.count('-')}"
            content = fenced("diff", patch(source, source.hunks()))
        if len(source.lines) > LONG and source.status in ("given", "new file"):
            content = f"[The file](../{self.stage.name}/{source.path})"
        elif len(source.lines) > LONG:
            numbers = f"{self.stage.number - 1} {self.stage.number}"
            content = f"`./stage diff {numbers} {source.path}`"
        heading = f"<summary><code>{source.path}</code>: {summary}</summary>"
        return f"<details>{heading}\n\n{content}\n\n</details>"


def patch(source: Source, runs: Iterable[list[Line]], names: str = "") -> str:
    """Runs of a diff, under the file's name and what became of it; line numbers would not keep."""
    became = "" if source.status == "changed" else f" ({source.status})"
    texts = ("\n".join((line.sign + line.text).rstrip() for line in run) for run in runs)
    return f"@@ {source.path}{became} @@ {names}".rstrip() + "\n" + "\n@@ … @@\n".join(texts)


def code(runs: Iterable[list[Line]]) -> str:
    """Runs of a file as it is."""
    texts = ("\n".join(line.text for line in run) for run in runs)
    return "\n\n# …\n\n".join(texts)


def fenced(language: str, content: str) -> str:
    """A fenced block of Markdown, its fence longer than any in it."""
    longest = max(map(len, re.findall(r"`{3,}", content)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{content}\n{fence}"


def note_files(stage: Stage) -> list[Path]:
    """The note of a stage, or none; more are one too many."""
    return sorted((ROOT / "docs").glob(f"{stage.number:02}_*.md"))


def load_note(file: Path) -> Note:
    """A note as it is on disk; raises BadBlock."""
    return read_note(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
