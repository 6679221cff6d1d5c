"""Files taken apart by their definitions, so that a note can show and explain each by itself."""

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stages.compare import FileDiff
from stages.layout import Stage
from stages.outline import outline

CONTEXT = 3  # Unchanged lines around a changed one, as git has them.
# The docstring and imports of a Python file. They need no words of their own and go with whatever
# is shown first of their file.
HEAD = "(head)"


class Line(NamedTuple):
    """A line of a diff, or of a file that is shown as it is: then the sign is always ``+``."""

    sign: str
    text: str
    place: str
    """The innermost definition around it; empty outside of all."""
    hunk: int
    number: int = 0
    """Where it stands in its file, from 1: a removed line in the old file, any other in the new."""


@dataclass(frozen=True)
class Source:
    """One file of a diff, or of a stage, line by line."""

    path: str
    status: str
    """As in :class:`FileDiff`, or ``given`` for a file of a stage."""
    lines: tuple[Line, ...]
    bodies: frozenset[str]
    """Its classes and functions."""

    @property
    def whole(self) -> bool:
        """Whether its lines are a whole file, which may be shown as one."""
        return self.status in ("given", "new file", "removed")

    def count(self, sign: str) -> int:
        """How many lines have this sign."""
        return sum(line.sign == sign for line in self.lines)

    def owners(self, shown: Sequence[str]) -> list[str]:
        """For each line the name under which it is shown, if a note shows the names ``shown``."""
        owners = [self._owner(line.place, shown) for line in self.lines]
        named = _changed(self.lines, owners)
        others = [name for name in (*shown, *named) if name in named and name != HEAD]
        home = others[0] if HEAD in named and others and "" not in shown else ""
        return [home if owner == HEAD else owner for owner in owners]

    def names(self, shown: Sequence[str]) -> list[str]:
        """The names under which lines other than blank ones have changed."""
        return _changed(self.lines, self.owners(shown))

    def about_rest(self, shown: Sequence[str]) -> str:
        """The definitions that change in what is shown under the name of the file."""
        lines = zip(self.lines, self.owners(shown), strict=True)
        rest = [line for line, owner in lines if not owner]
        places = _changed(rest, [line.place for line in rest])
        return ", ".join(place for place in places if place not in ("", HEAD))

    def _owner(self, place: str, shown: Collection[str]) -> str:
        if self.whole and not any(shown):
            return ""
        parts = place.split(".")
        around = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        if named := next((name for name in around if name in shown), ""):
            return named
        return place if place == HEAD else parts[0] if parts[0] in self.bodies else ""

    def excerpt(self, names: Collection[str], shown: Sequence[str]) -> Iterator[list[Line]]:
        """The runs of lines shown under these names, without blank lines at their ends."""
        mine = [at for at, owner in enumerate(self.owners(shown)) if owner in names]
        changed = {at for at in mine if self.lines[at].sign != " "}
        reach = range(-CONTEXT, CONTEXT + 1)
        near = {(self.lines[at].hunk, at + step) for at in changed for step in reach}
        runs: list[list[int]] = []
        for at in (at for at in mine if (self.lines[at].hunk, at) in near):
            if not runs or self._gap(runs[-1][-1], at):
                runs.append([])
            runs[-1].append(at)
        yield from filter(None, map(self._trimmed, runs))

    def hunks(self) -> Iterator[list[Line]]:
        """All lines, by hunk."""
        for number in dict.fromkeys(line.hunk for line in self.lines):
            yield [line for line in self.lines if line.hunk == number]

    def _gap(self, before: int, after: int) -> bool:
        one, two = self.lines[before], self.lines[after]
        if one.sign == "-" and two.sign == "+":  # One takes the other's place.
            return False
        between = self.lines[before + 1 : after]
        return one.hunk != two.hunk or any(line.text.strip() for line in between)

    def _trimmed(self, run: list[int]) -> list[Line]:
        lines = [self.lines[at] for at in run]
        said = [at for at, line in enumerate(lines) if line.text.strip()]
        return lines[said[0] : said[-1] + 1] if said else []


def _changed(lines: Sequence[Line], owners: Sequence[str]) -> list[str]:
    pairs = zip(lines, owners, strict=True)
    said = (owner for line, owner in pairs if line.sign != " " and line.text.strip())
    return list(dict.fromkeys(said))


def of_diff(file: FileDiff, old: Stage, new: Stage) -> Source:
    """A file that two stages do not share as it is."""
    before = _read(old, file.change.old_path) if file.change.old and file.hunks else ""
    after = _read(new, file.path) if file.change.new and file.hunks else ""
    was, now = _places(file.path, before), _places(file.path, after)
    lines = tuple(
        Line(
            line.line_type,
            line.value.rstrip("\n"),
            was[line.source_line_no or 0] if line.is_removed else now[line.target_line_no or 0],
            number,
            (line.source_line_no if line.is_removed else line.target_line_no) or 0,
        )
        for number, hunk in enumerate(file.hunks)
        for line in hunk.patch
        if line.line_type in "+- "
    )
    bodies = _bodies(file.path, before) | _bodies(file.path, after)
    return Source(file.path, file.status, lines, bodies)


def of_file(stage: Stage, path: str) -> Source:
    """A file of a stage as it is."""
    text = _read(stage, path)
    texts = text.removesuffix("\n").split("\n") if text else []
    pairs = zip(texts, _places(path, text)[1:], strict=False)
    lines = tuple(Line("+", text, place, 0, no) for no, (text, place) in enumerate(pairs, 1))
    return Source(path, "given", lines, _bodies(path, text))


def _read(stage: Stage, path: str) -> str:
    return (stage.path / path).read_text(encoding="utf-8", errors="replace")


def _places(path: str, text: str) -> list[str]:
    """The place of each line; lines count from 1."""
    lines = ["", *text.split("\n")]
    head = _head(path, text)
    places = [HEAD if number <= head else "" for number in range(len(lines))]
    for name, start, end in outline(path, text):
        first = start if path.endswith(".md") else _with_comments(lines, start)
        places[first : end + 1] = [name] * (end + 1 - first)
    for number, line in enumerate(lines[1:], 1):
        if not line.strip():  # Blank lines go with what they follow.
            places[number] = places[number - 1]
    return places


def _with_comments(lines: list[str], start: int) -> int:
    """Where the comments above a definition begin."""
    indent = re.match(r"\s*", lines[start])
    first, mark = start, (indent[0] if indent else "") + "#"
    for number in range(start - 1, 0, -1):
        if lines[number].startswith(mark):
            first = number
        elif lines[number].strip():
            break
    return first


def _head(path: str, text: str) -> int:
    """The last line of a Python file's docstring and the imports after it."""
    end = 0
    try:
        body = ast.parse(text).body if path.endswith(".py") else []
    except (SyntaxError, ValueError):
        return end
    for node in body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (docstring or isinstance(node, ast.Import | ast.ImportFrom)):
            break
        end = node.end_lineno or node.lineno
    return end


def _bodies(path: str, text: str) -> frozenset[str]:
    if not path.endswith(".py"):
        return frozenset()
    lines, begins = text.split("\n"), re.compile(r"\s*(?:@|class |def |async def )")
    found = outline(path, text)
    return frozenset(name for name, start, _ in found if begins.match(lines[start - 1]))
