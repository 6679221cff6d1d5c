"""Code and diffs as HTML, in the colours of their language."""

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from itertools import groupby

from pygments.lexers import get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.token import STANDARD_TYPES, Token, _TokenType
from pygments.util import ClassNotFound

from stages.pieces import Line

# Names and signs make up half of all tokens, and code reads well without colours for them.
PLAIN = {"", "err", "n", "o", "p", "w"}
NAMES = {"Procfile": "Procfile.yaml", ".env.example": "env.ini"}


@cache
def lines_of(path: str, text: str) -> list[str]:
    """The lines of a file as HTML, each by itself."""
    try:
        name = path.rpartition("/")[2]
        lexer = get_lexer_for_filename(NAMES.get(name, name), stripnl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False)
    lines = [""]
    tokens = ((_css(kind), value) for kind, value in lexer.get_tokens(text))
    for css, same in groupby(tokens, key=lambda token: token[0]):
        first, *others = "".join(value for _, value in same).split("\n")
        lines[-1] += _span(css, first)
        lines += [_span(css, other) for other in others]
    return lines[: text.count("\n") + (not text.endswith("\n"))]


def _css(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES:
        kind = kind.parent or Token
    name = STANDARD_TYPES[kind]
    return "" if name in PLAIN else name


def _span(css: str, text: str) -> str:
    return f'<span class="{css}">{escape(text)}</span>' if css and text.strip() else escape(text)


def patch(runs: Iterable[Sequence[Line]], before: list[str], after: list[str]) -> str:
    """Runs of a diff; ``before`` and ``after`` are the lines of the two files as HTML.

    Where there is one file alone, there are no sides to put beside each other.
    """

    def rows(lines: Iterable[Line]) -> str:
        sides = ((before if line.sign == "-" else after, line.number) for line in lines)
        return "".join(f"<span>{side[number - 1]}\n</span>" for side, number in sides)

    parts = []
    for run in runs:
        for same, group in groupby(run, key=lambda line: line.sign == " "):
            lines = list(group)
            if same:
                parts.append(f'<span class="same"><span>{rows(lines)}</span></span>')
                continue
            pairs = {"del": "-", "ins": "+"}
            sides = (
                f"<{tag}>{rows(line for line in lines if line.sign == sign)}</{tag}>"
                for tag, sign in pairs.items()
                if any(line.sign == sign for line in lines)
            )
            parts.append(f'<span class="change">{"".join(sides)}</span>')
        parts.append('<span class="gap">⋯\n</span>')
    return block("diff" if before and after else "diff whole", "".join(parts[:-1]))


def listing(runs: Iterable[Sequence[Line]], lines: list[str]) -> str:
    """Runs of a file as it is; ``lines`` are those of the file as HTML."""
    texts = ("\n".join(lines[line.number - 1] for line in run) for run in runs)
    return block("listing", '\n<span class="gap">⋯\n</span>'.join(texts))


def block(kind: str, html: str) -> str:
    """A block of code. Nothing in it is sought, since the words around it say the same."""
    return f'<div class="{kind} highlight" data-search-exclude><pre><code>{html}</code></pre></div>'
