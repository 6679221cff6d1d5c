"""Whether a change of a file changes what the file says, or only how it is laid out."""

import ast
import io
import tokenize
from collections.abc import Iterator
from itertools import groupby

from unidiff.patch import Hunk

Meaning = tuple[str, ...]


def layout_only(path: str, old: str, new: str, hunks: list[Hunk]) -> list[int]:
    """The lines of the new file at which hunks begin that change nothing but its layout."""
    if not path.endswith(".py"):
        return [hunk.target_start for hunk in hunks if _words(hunk.source) == _words(hunk.target)]
    meaning = python_meaning(new)
    if meaning is None:
        return []
    if meaning == python_meaning(old):
        return [hunk.target_start for hunk in hunks]
    lines = new.splitlines(keepends=True)
    found = []
    for hunk in hunks:
        for start, count, before in _parts(hunk):
            undone = "".join([*lines[:start], *before, *lines[start + count :]])
            if python_meaning(undone) == meaning:
                found.append(start + 1)
                break
    return found


def _words(lines: list[str]) -> list[str]:
    return "".join(line[1:] for line in lines).split()


def _parts(hunk: Hunk) -> Iterator[tuple[int, int, list[str]]]:
    """The hunk, then each run of changed lines in it: index in the new file, count, old lines."""
    first = hunk.target_start - 1 if hunk.target_length else hunk.target_start
    yield first, hunk.target_length, [line.value for line in hunk.source_lines()]
    for same, run in groupby(hunk, lambda line: line.is_context):
        lines = list(run)
        count = sum(not line.is_removed for line in lines)
        # Blank lines alone come and go with the statements around them.
        if not same and any(line.value.strip() for line in lines):
            yield first, count, [line.value for line in lines if line.is_removed]
        first += count


def python_meaning(source: str) -> Meaning | None:
    """What Python code says: its syntax tree and comments; ``None`` if it does not parse.

    The order of imports that follow each other, line breaks, quotes, and how the words of a
    docstring or comment are broken into lines do not count.
    """
    try:
        tree = ast.parse(source)
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return None
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = list(_sorted_imports(body))  # type: ignore[attr-defined]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _unfold_docstring(node)
    comments = (token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT)
    return (ast.dump(tree), *" ".join(comments).split())


def _sorted_imports(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for imports, run in groupby(body, lambda node: isinstance(node, ast.Import | ast.ImportFrom)):
        if not imports:
            yield from run
            continue
        single: list[ast.stmt] = []
        for node in run:
            for alias in node.names:  # type: ignore[attr-defined]
                if isinstance(node, ast.ImportFrom):
                    single.append(ast.ImportFrom(node.module, [alias], node.level))
                else:
                    single.append(ast.Import([alias]))
        yield from sorted(single, key=ast.dump)


def _unfold_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str(text)) as docstring), *_]:
            docstring.value = " ".join(text.split())
