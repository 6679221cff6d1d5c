"""Pictures as SVG: their frame, which brings its own colours, and tables of bars."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import count

WIDTH, LABEL, COLUMN, FIGURE = 720, 110, 200, 55  # Pixels: all, names, a column, its figures.
BAR, GAP, HEADING = 16, 4, 48
# Text has a contrast of 6 at least. The ground is drawn too, for a page may be dark where the
# system is light.
FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -8 {width} {height}" role="img" \
aria-label="{title}" font-family="system-ui, sans-serif" font-size="12">
<style>
svg {{ --ground: #fff; --ink: #57606a; --blue: #0b5cad; }}
@media (prefers-color-scheme: dark) {{
  svg {{ --ground: #15181e; --ink: #b1bac4; --blue: #6cb2ff; }}
}}
text {{ fill: var(--ink); }}
.ground, text.new {{ fill: var(--ground); }}
text.changed, .bar, rect.new {{ fill: var(--blue); }}
.box {{ fill: none; stroke: var(--ink); }}
.box + text {{ text-anchor: middle; }}
.box.new, .box.changed {{ stroke: var(--blue); }}
.box.changed {{ stroke-width: 2; }}
.wire {{ stroke: var(--ink); }}
.wire.new {{ stroke: var(--blue); }}
.box.gone {{ stroke-dasharray: 3 3; }}
text.gone {{ text-decoration: line-through; }}
.heading {{ font-weight: 600; }}
</style>
<rect class="ground" x="-8" y="-8" width="100%" height="100%"/>
{body}
</svg>
"""


def frame(title: str, height: float, lines: Iterable[str]) -> str:
    """A picture of so many pixels, with a margin around its lines."""
    size = {"width": WIDTH + 16, "height": height + 16}
    return FRAME.format(**size, title=escape(title), body="\n".join(lines))


def bars(
    title: str, rows: Sequence[str], groups: Mapping[str, Mapping[str, Sequence[float]]]
) -> str:
    """A group of rows for each heading, with a column of bars, on its own scale, a measure."""
    lines, y = [], 0
    for heading, measures in groups.items():
        y += HEADING
        lines.append(text_at(0, y - 26, heading, "heading"))
        lines += (text_at(0, middle(y, at), name) for at, name in enumerate(rows))
        for x, (measure, values) in zip(count(LABEL, COLUMN), measures.items(), strict=False):
            lines.append(text_at(x, y - 6, measure))
            for at, value in enumerate(values):
                length = (COLUMN - FIGURE) * value / (max(values) or 1)
                lines.append(bar(x, y + at * (BAR + GAP), length))
                lines.append(text_at(x + length + 6, middle(y, at), f"{value:,.0f}"))
        y += len(rows) * (BAR + GAP)
    return frame(title, y, lines)


def middle(y: float, row: int) -> float:
    """Where the text of a row stands whose group begins at ``y``."""
    return y + row * (BAR + GAP) + BAR - 4


def text_at(x: float, y: float, content: str, look: str = "") -> str:
    """A text that begins there."""
    named = f' class="{look}"' if look else ""
    return f'<text x="{x:.0f}" y="{y}"{named}>{escape(content)}</text>'


def bar(x: float, y: float, length: float) -> str:
    """One bar, wide enough to be seen."""
    return f'<rect class="bar" x="{x}" y="{y}" width="{max(length, 1):.0f}" height="{BAR}"/>'
