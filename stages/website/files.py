"""A page for each file of the stages: the file at every stage, and between any two."""

from collections.abc import Iterable
from html import escape
from itertools import combinations

from stages.layout import LAYERS, Stage
from stages.website.code import block
from stages.website.weave import weave

APART = "---\ntitle: {}\nsearch:\n  exclude: true\nhide: [toc, navigation]\n---\n\n"
PAIRS = tuple(combinations(LAYERS, 2))


def page_name(path: str, folder: str = "files") -> str:
    """The page of a file; a leading dot would hide it from the generator."""
    parts = (f"dot-{part[1:]}" if part.startswith(".") else part for part in path.split("/"))
    return f"{folder}/{'/'.join(parts)}.md"


def file_page(path: str, stages: Iterable[Stage]) -> str:
    """The page, which shows what its address asks for (``#s2``, ``#s1-3``) without any script."""
    having = [stage for stage in stages if (stage.path / path).is_file()]
    texts = {stage.number: read(stage, path) for stage in having}
    stops = [(f"s{stage.number}", f"{stage.number:02} {stage.layer}") for stage in having]
    pairs = [
        (f"s{old}-{new}", f"{old:02} → {new:02}")
        for old, new in combinations(texts, 2)
        if texts[old] != texts[new]
    ]
    names = [*(f"s{number}" for number in LAYERS), *(f"s{old}-{new}" for old, new in PAIRS)]
    targets = "".join(f'<div class="at" id="{name}"></div>' for name in names)
    rows = "".join(
        f'<span class="{" ".join(f"i{number}" for number in strand.stages)}">{strand.html}\n</span>'
        for strand in weave(path, texts.items())
    )
    return (
        f"{APART.format(path)}{targets}\n<h1><code>{escape(path)}</code></h1>\n"
        f"{links('stages', 'This file at each stage', stops)}{links('pairs', 'Changes', pairs)}"
        f'<div class="weave last{max(texts)}">{block("listing", rows)}</div>\n'
    )


def links(css: str, label: str, targets: Iterable[tuple[str, str]]) -> str:
    """Links within the page."""
    anchors = " ".join(f'<a href="#{name}">{escape(text)}</a>' for name, text in targets)
    return f'<nav class="{css}" aria-label="{label}">{anchors}</nav>\n' if anchors else ""


def read(stage: Stage, path: str) -> str:
    """The text of a file of a stage."""
    return (stage.path / path).read_text(encoding="utf-8", errors="replace")


def stylesheet() -> str:
    """Which lines of a file's page are shown at which address, and which of them are lit."""
    rules = []
    for new in LAYERS:
        here = f"#s{new}:target ~ .weave code"
        last = f":not(:has(> .at:target)) > .weave.last{new} code"
        rules.append(f"{here} > :not(.i{new}), {last} > :not(.i{new}) {{ display: none }}")
        rules.append(f"{here} > .i{new}:not(.i{new - 1}) {{ box-shadow: var(--new) }}")
        rules.append(f":has(> #s{new}:target) > .stages [href='#s{new}'] {{ font-weight: bold }}")
    for old, new in PAIRS:
        target = f"#s{old}-{new}:target"
        here = f"{target} ~ .weave code"
        rules.append(f":has(> {target}) > .pairs [href='#s{old}-{new}'] {{ font-weight: bold }}")
        rules.append(f"{here} > :not(.i{old}, .i{new}) {{ display: none }}")
        added = "--row: var(--added); --mark: '+ ' counter(line)"
        rules.append(f"{here} > .i{new}:not(.i{old}) {{ {added} }}")
        removed = "--row: var(--removed); --mark: '−'; counter-increment: none"
        rules.append(f"{here} > .i{old}:not(.i{new}) {{ {removed} }}")
    return "\n".join(rules) + "\n"
