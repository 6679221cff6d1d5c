"""A chart of bars as SVG, legible on white and on black: no colour of its own is near either."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, LABEL, FIGURE = 720, 110, 90  # Pixels of the chart, of the names left and the figures right.
BAR, GAP, HEADING = 16, 4, 34
GREY, BLUE = "#7d8590", "#3b82c4"
FRAME = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
    ' aria-label="{title}" font-family="system-ui, sans-serif" font-size="12" fill="{fill}">\n'
    "{body}\n</svg>\n"
)


def bars(title: str, groups: Mapping[str, Sequence[tuple[str, float]]]) -> str:
    """One group of bars below its heading for each entry of ``groups``; all on one scale."""
    largest = max(value for rows in groups.values() for _, value in rows)
    lines, y = [], 0
    for heading, rows in groups.items():
        y += HEADING
        lines.append(f'<text x="0" y="{y - 8}" font-weight="600">{escape(heading)}</text>')
        for name, value in rows:
            length = (WIDTH - LABEL - FIGURE) * value / largest
            figure = f"{value:,.0f}"
            lines.append(f'<text x="0" y="{y + BAR - 4}">{escape(name)}</text>')
            lines.append(bar(LABEL, y, length))
            lines.append(f'<text x="{LABEL + length + 6:.0f}" y="{y + BAR - 4}">{figure}</text>')
            y += BAR + GAP
    body = "\n".join(lines)
    return FRAME.format(width=WIDTH, height=y, title=escape(title), fill=GREY, body=body)


def bar(x: float, y: float, length: float) -> str:
    """One bar, wide enough to be seen."""
    return f'<rect x="{x}" y="{y}" width="{max(length, 1):.0f}" height="{BAR}" fill="{BLUE}"/>'
