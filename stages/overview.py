"""The table of stages, and how their code is counted."""

import ast
import difflib
from pathlib import Path

import click

from stages.layout import LAYERS, Stage, packages, stages


def code_lines(source: str) -> list[str]:
    """The lines of Python that do something: no blank lines, comments, docstrings or imports."""
    idle: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())):
                idle.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), 1)
    return [line for no, line in lines if no not in idle and line.split("#")[0].strip()]


def code(stage: Stage) -> dict[Path, list[str]]:
    """The code of a stage by file, relative to its folder, without tests and migrations."""
    several = {}
    for path in sorted(stage.path.rglob("*.py")):
        name = path.relative_to(stage.path)
        if not {"tests", "migrations"} & set(name.parts):
            try:
                several[name] = code_lines(path.read_text(encoding="utf-8"))
            except SyntaxError as error:
                where = f"{stage.name}/{name}:{error.lineno}"
                raise click.ClickException(f"{where} is not Python ({error.msg})") from None
    return several


def size(stage: Stage) -> int:
    """How many lines of code a stage has."""
    return sum(map(len, code(stage).values()))


def growth(before: Stage, after: Stage) -> tuple[int, int]:
    """How many lines of code a stage adds to the one before, and how many it removes."""
    old, new = code(before), code(after)
    added = removed = 0
    for path in old.keys() | new.keys():
        for line in difflib.unified_diff(old.get(path, []), new.get(path, []), n=0):
            added += line.startswith("+") and not line.startswith("+++")
            removed += line.startswith("-") and not line.startswith("---")
    return added, removed


def show_stages() -> None:
    """Print one row per stage: layer, packages it adds, port, lines, size of its diff."""
    from rich.console import Console
    from rich.table import Table

    table = Table("stage", "layer", "adds", "port", "lines", "diff", box=None)
    table.columns[2].min_width = len("not built yet")
    built = {stage.number: stage for stage in stages()}
    for number, layer in LAYERS.items():
        if stage := built.get(number):
            before = built.get(number - 1)
            change = "+{} −{}".format(*growth(before, stage)) if before else ""
            adds = ", ".join(packages(number))
            row = (stage.name, stage.layer, adds, str(stage.port), str(size(stage)), change)
            table.add_row(*row)
        else:
            table.add_row(f"stage{number:02}", layer, "not built yet", style="dim")
    Console().print(table)
    Console().print("\nlines of Python without tests, migrations, imports, comments and docstrings")
    Console().print("./stage run 2   ./stage diff 1 2   ./stage --help", style="bold")
