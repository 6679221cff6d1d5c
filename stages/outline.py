"""The definitions in a file, so that a change is named by what it is in, never by line number."""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# Where a section begins in files that are not Python: by the end of the file's name.
SECTIONS = {
    ".md": re.compile(r"#{1,6} +(?P<name>.+?) *#*$"),
    ".toml": re.compile(r"\[+(?P<name>[^\[\]]+)\]+ *$"),
    ".yaml": re.compile(r"(?P<name>[\w.-]+):"),
    "Procfile": re.compile(r"(?P<name>[\w.-]+):"),
}


class Definition(NamedTuple):
    """A class, function, named assignment or section; lines count from 1, ``end`` included."""

    name: str
    start: int
    end: int


def outline(path: str, source: str) -> list[Definition]:
    """All definitions of a file, an outer one before those in it; none if it cannot be read."""
    if path.endswith(".py"):
        try:
            return list(_python(ast.parse(source).body, ""))
        except (SyntaxError, ValueError):
            return []
    pattern = next((found for end, found in SECTIONS.items() if path.endswith(end)), None)
    return list(_sections(source, pattern)) if pattern else []


def _python(body: Iterable[ast.stmt], prefix: str) -> Iterator[Definition]:
    for node in body:
        start, end = node.lineno, node.end_lineno or node.lineno
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                start = min([start, *(decorator.lineno for decorator in node.decorator_list)])
                yield Definition(prefix + node.name, start, end)
                if isinstance(node, ast.ClassDef):
                    yield from _python(node.body, f"{prefix}{node.name}.")
            case (
                ast.Assign(targets=[ast.Name(id=name)])
                | ast.AnnAssign(target=ast.Name(id=name))
                | ast.AugAssign(target=ast.Name(id=name))
            ):
                yield Definition(prefix + name, start, end)
            case ast.If() | ast.With() | ast.Try():
                yield from _python([*node.body, *getattr(node, "orelse", [])], prefix)


def _sections(source: str, pattern: re.Pattern[str]) -> Iterator[Definition]:
    lines = source.split("\n")
    starts = [
        (no, found["name"]) for no, line in enumerate(lines, 1) if (found := pattern.match(line))
    ]
    ends = [*(no - 1 for no, _ in starts[1:]), len(lines)]
    for (start, name), end in zip(starts, ends, strict=False):  # Without a start no end counts.
        yield Definition(name, start, end)


def touched(definitions: Iterable[Definition], lines: Iterable[int]) -> list[str]:
    """The definitions that a change of these lines is about, first to last.

    A definition whose first line changes is new itself, and what lies in it is not named; else a
    line belongs to the innermost definition around it.
    """
    definitions, names = list(definitions), dict[str, None]()
    changed = sorted(set(lines))
    for line in changed:
        around = [found for found in definitions if found.start <= line <= found.end]
        new = next((found for found in around if found.start in changed), None)
        if around:
            names[(new or around[-1]).name] = None
    return list(names)
