"""``docs/roadmap.md``: for each topic the code and the test that show it, held to the stages.

A section whose heading begins with a number is about that stage. A row of its table is a topic,
addresses of code and addresses of tests, such as ``blog/models.py::Post``; links to the files are
made of them.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from stages.faults import Fault, Ground
from stages.layout import Stage
from stages.outline import outline

PATH = "docs/roadmap.md"
HEADING = re.compile(r"#+ (?P<number>\d\d)?\b")
ADDRESS = re.compile(r"\[?`(?P<path>[\w./-]+)(?:::(?P<name>[\w.]+))?`(?:\]\([^)]*\))?")
RULE = re.compile(r"\|[ |:-]*\|")
TEST = re.compile(r"test_\w+|bench$")
WRITE = "./stage docs --write"


class Row(NamedTuple):
    """A topic: its line, its stage, and its cells."""

    line: int
    stage: Stage
    cells: list[str]


def rows(ground: Ground) -> Iterator[Row]:
    """The topics of the stages that are built."""
    stage, titled = None, False
    for number, line in enumerate(ground.texts[PATH].split("\n"), 1):
        if found := HEADING.match(line):
            wanted = int(found["number"] or 0)
            stage = next((each for each in ground.stages if each.number == wanted), None)
            titled = False
        elif RULE.fullmatch(line):
            titled = True
        elif stage and titled and line.startswith("|"):
            yield Row(number, stage, [cell.strip() for cell in line.strip("| ").split("|")])


def documents(ground: Ground) -> Iterator[tuple[str, str]]:
    """The document, if there is one, with each address a link to its file; by path."""
    if PATH not in ground.texts:
        return
    lines = ground.texts[PATH].split("\n")
    for row in rows(ground):

        def link(address: re.Match[str], stage: Stage = row.stage) -> str:
            text = address["path"] + (f"::{address['name']}" if address["name"] else "")
            return f"[`{text}`](../{stage.name}/{address['path']})"

        topic, *cells = row.cells
        cells = [ADDRESS.sub(link, cell) for cell in cells]
        lines[row.line - 1] = f"| {' | '.join([topic, *cells])} |"
    yield PATH, "\n".join(lines)


def roadmap(ground: Ground) -> Iterator[Fault]:
    """Each topic of the roadmap leads to code and to a test that exist, and each stage has some."""
    if PATH not in ground.texts:
        return
    found = list(rows(ground))
    for stage in ground.stages:
        if not any(row.stage == stage for row in found):
            mend = f"write its topics under ## {stage.number:02} {stage.layer}"
            yield Fault(PATH, f"has no topic of {stage.name}", mend)
    for row in found:
        where = f"{PATH}:{row.line}"
        if len(row.cells) != 3:
            yield Fault(where, f"has {len(row.cells)} cells", "write topic, code and test")
            continue
        for cell, what in zip(row.cells[1:], ("code", "test"), strict=True):
            addresses = list(ADDRESS.finditer(cell))
            if not addresses:
                yield Fault(where, f"names no {what} of {row.cells[0]}", "write `file.py::name`")
            for path, name in (address.groups() for address in addresses):
                if gone := missing(ground, row.stage, path, name):
                    yield Fault(where, f"{gone} is not in {row.stage.name}", "mend the address")
                elif what == "test" and not TEST.match(name or ""):
                    yield Fault(where, f"{path}::{name} is no test", "name a test or a bench")
    if dict(documents(ground))[PATH] != ground.texts[PATH]:
        yield Fault(PATH, "has addresses without their links", WRITE)


def missing(ground: Ground, stage: Stage, path: str, name: str | None) -> str:
    """What of an address a stage has not; nothing if it has all of it."""
    if path not in ground.files[stage]:
        return path
    names = {found.name for found in outline(path, ground.texts[f"{stage.name}/{path}"])}
    return f"{path}::{name}" if name and name not in names else ""
