"""The pictures of ``docs/index.md``, drawn from the stages: what each is made of and touches.

``<!-- architecture -->``
    For each stage what runs, from which modules and packages, on which servers; the new is lit.
``<!-- matrix -->``
    For each file of the stages what becomes of it in each.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import count

from stages.compare import reading_place
from stages.faults import Fault, Ground
from stages.layout import Stage, packages
from stages.notes import note_files
from stages.plot import WIDTH, frame, text_at

PAGE = "docs/index.md"
BLOCK = re.compile(r"(<!-- (architecture|matrix) -->\n).*?(<!-- /\2 -->)", re.DOTALL)
PROCESS = re.compile(r"^(\w+): *(.+)$", re.MULTILINE)  # of a Procfile
SERVICE = re.compile(r"^  ([a-z]+):$", re.MULTILINE)  # of compose.yaml
LABEL, BOX, GAP, LETTER = 90, 24, 6, 7  # Pixels: names left, height and distance of boxes, text.
TOP, DROP = 2, 34  # For the frame of the first box; between two bands with lines in between.
# Who asks whom, in bands from the top; a picture has of it what its stage has.
FLOW: dict[str, dict[str, tuple[str, ...]]] = {
    "asked by": {"clients": ("proxy", "web")},
    "through": {"proxy": ("web", "stream")},
    "runs": {
        "release": ("PostgreSQL",),
        "web": ("PostgreSQL", "Valkey", "memory of the process"),
        "stream": ("PostgreSQL", "Valkey"),
        "worker": ("PostgreSQL", "Valkey", "mail"),
        "reports": ("PostgreSQL", "Valkey"),
        "beat": ("Valkey",),
    },
}
SIGNS = {"new": "●", "changed": "◐", "same": "·", "gone": "✕", "": ""}
Parts = dict[str, dict[str, object]]


def documents(ground: Ground) -> Iterator[tuple[str, str]]:
    """The page and the pictures as they should be, by path; none without the page."""
    if PAGE not in ground.texts:
        return
    befores = dict(zip(ground.stages, (None, *ground.stages), strict=False))
    drawn = {stage: states(ground, stage, before) for stage, before in befores.items()}
    filled = {"architecture": architecture(drawn), "matrix": matrix(ground)}
    yield PAGE, BLOCK.sub(lambda b: f"{b[1]}{filled[b[2]]}\n{b[3]}", ground.texts[PAGE])
    for stage, found in drawn.items():
        yield f"docs/{picture(stage)}", draw(f"Stage {stage.number:02}: {stage.layer}", found)


def pictures(ground: Ground) -> Iterator[Fault]:
    """The pictures and the table of files in docs/ are those of the stages as they are."""
    for path, text in documents(ground):
        if ground.texts.get(path) != text:
            yield Fault(path, "is not as the stages are", "./stage docs --write")


def parts(ground: Ground, stage: Stage) -> Parts:
    """What a stage is made of, in bands; the values change with what they stand for."""
    wanted = (name for number in range(stage.number + 1) for name in packages(number))
    servers = {"PostgreSQL": stage.needs_postgres, "Valkey": stage.needs_valkey}
    kept = [name for name, needed in servers.items() if needed] or ["memory of the process"]
    runs = dict(PROCESS.findall(ground.texts[f"{stage.name}/Procfile"]))
    if runs.pop("mail", None):
        kept.append("mail")  # Drawn among those that are asked.
    composed = SERVICE.findall(ground.texts.get(f"{stage.name}/compose.yaml", ""))
    runs |= {name: None for name in composed if name in FLOW["runs"] and name not in runs}
    found: Parts = {
        "through": dict.fromkeys(name for name in composed if name in FLOW["through"]),
        "runs": runs,
        "on": dict.fromkeys(kept),
        "with": dict.fromkeys(name.partition("[")[0] for name in wanted),
        "files": {},
    }
    for path, blob in sorted(ground.files[stage].items(), key=lambda row: reading_place(row[0])):
        folder, _, name = path.partition("/")
        if folder in ("tests", "README.md") or name.endswith("__init__.py"):
            continue
        band = found.setdefault(f"{folder}/", {}) if name else found["files"]
        inner, below, _ = name.partition("/")
        box = f"{inner}/" if below else (name or folder).removesuffix(".py")
        band[box] = (band.get(box), blob)
    return found


def states(ground: Ground, stage: Stage, before: Stage | None) -> dict[str, dict[str, str]]:
    """Each part of a stage, in its band: new, changed, the same or gone."""
    now, was = parts(ground, stage), parts(ground, before) if before else {}
    return {
        band: {
            name: state(was.get(band, {}), now.get(band, {}), name)
            for name in {**now.get(band, {}), **was.get(band, {})}
        }
        for band in {**now, **was}
    }


def state(was: Mapping[str, object], now: Mapping[str, object], name: str) -> str:
    """What became of one name; nothing if it is on neither side."""
    if name not in was or name not in now:
        return "new" if name in now else "gone" if name in was else ""
    return "same" if was[name] == now[name] else "changed"


def picture(stage: Stage) -> str:
    """The file of a stage's picture."""
    return f"architecture_{stage.number:02}.svg"


def draw(title: str, found: dict[str, dict[str, str]]) -> str:
    """One picture: a band of boxes for each kind of part, above them who asks whom."""
    lines, flow = asking({"asked by": {"clients": "same"}, **found})
    y = TOP + len(flow) * (BOX + DROP) - DROP + 2 * GAP
    for band, boxes in found.items():
        if band in flow or not boxes:
            continue
        x = LABEL
        lines.append(text_at(0, y + 16, band, "heading"))
        for name, state in boxes.items():
            if x + width(name) > WIDTH:
                x, y = LABEL, y + BOX + GAP
            lines += box(x, y, name, state)
            x += width(name) + GAP
        y += BOX + 2 * GAP
    return frame(title, y, lines)


def asking(found: Mapping[str, Mapping[str, str]]) -> tuple[list[str], list[str]]:
    """The bands of processes and servers, with a line from each to those that it asks below it."""
    flow = [band for band in (*FLOW, "on") if found.get(band)]
    lines: list[str] = []
    above, upper = "", dict[str, float]()
    for y, band in zip(count(TOP, BOX + DROP), flow, strict=False):
        slot = (WIDTH - LABEL) / len(found[band])
        middles = dict(zip(found[band], count(LABEL + slot / 2, slot), strict=False))
        for name, x in upper.items():
            for other in FLOW[above].get(name, ()):
                if found[band].get(other, "gone") != "gone":
                    look = "new" if "new" in (found[above][name], found[band][other]) else ""
                    ends = f'x1="{x:.0f}" y1="{y - DROP}" x2="{middles[other]:.0f}" y2="{y}"'
                    lines.append(f'<line class="wire {look}" {ends}/>')
        lines.append(text_at(0, y + 16, band, "heading"))
        for name, x in middles.items():
            lines += box(x - width(name) / 2, y, name, found[band][name])
        above, upper = band, middles
    return lines, flow


def width(name: str) -> int:
    """Of the box around a name."""
    return LETTER * len(name) + 14


def box(x: float, y: float, name: str, state: str) -> tuple[str, str]:
    """A box with its name, which begins there."""
    place = f'x="{x:.0f}" y="{y}" width="{width(name)}" height="{BOX}" rx="4"'
    return f'<rect class="box {state}" {place}/>', text_at(x + width(name) / 2, y + 16, name, state)


def architecture(drawn: Mapping[Stage, dict[str, dict[str, str]]]) -> str:
    """All pictures, with words for those who do not see them."""
    blocks = []
    for stage, found in drawn.items():
        new = [
            f"{band}{name}" if band.endswith("/") else name
            for band, boxes in found.items()
            for name, state in boxes.items()
            if state == "new"
        ]
        words = f"Stage {stage.number:02}; new are {', '.join(new)}"
        blocks.append(f"### {stage.number:02} {stage.layer}\n\n![{words}]({picture(stage)})\n")
        blocks += [f"[Its note]({note.name})\n" for note in note_files(stage)]
    return "\n".join(blocks)


def matrix(ground: Ground) -> str:
    """A row for each file that is not empty, a column for each stage."""
    heads = [f"{stage.number:02}" for stage in ground.stages]
    lines = [f"| file | {' | '.join(heads)} |", f"| --- |{' :---: |' * len(heads)}"]
    homes = {path: stage for stage in ground.stages for path in ground.files[stage]}
    for path in sorted(homes, key=reading_place):
        home = homes[path].name
        if not ground.texts.get(f"{home}/{path}"):
            continue
        befores = ({}, *ground.files.values())
        pairs = zip(befores, ground.files.values(), strict=False)
        signs = (SIGNS[state(was, now, path)] for was, now in pairs)
        lines.append(f"| [`{path}`](../{home}/{path}) | {' | '.join(signs)} |")
    return "\n".join(lines)
