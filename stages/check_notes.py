"""The check that holds the notes to the code, both ways."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch

from stages.faults import Fault, Ground
from stages.notes import BadBlock, Block, Layer, Note, load_note, note_files
from stages.pieces import Source

WRITE = "./stage docs --write"
SENTENCE = 40  # Characters that say something.
# What a guided reading of a whole stage may leave out: tests are read where they prove something.
UNREAD = ("tests/*", "README.md")


def notes(ground: Ground) -> Iterator[Fault]:
    """The notes show each hunk of each layer as it is, with words of its own."""
    said: dict[str, str] = {}
    for layer in layers(ground):
        stage, files = layer.stage, note_files(layer.stage)
        if not files:
            path = f"docs/{stage.number:02}_{stage.layer.lower()}.md"
            yield Fault(path, "is missing", f"write the note of {stage.name}")
        for file in files[1:]:
            name, first = file.relative_to(ground.root).as_posix(), files[0].name
            yield Fault(name, f"is a second note of {stage.name}", f"join it to {first}")
        try:
            for note in map(load_note, files[:1]):
                yield from faults(layer, note, said)
        except BadBlock as bad:
            yield Fault(bad.where, bad.what, bad.mend)


def layers(ground: Ground) -> Iterator[Layer]:
    """What there is to write a note about."""
    befores = (None, *ground.stages)
    for before, stage in zip(befores, ground.stages, strict=False):
        yield Layer(stage, before, ground.diffs[stage] if before else [], ground.snapshot)


def faults(layer: Layer, note: Note, said: dict[str, str]) -> Iterator[Fault]:
    """What is wrong with a note; ``said`` keeps whose words have been met, over all notes."""
    addresses: set[tuple[str, str]] = set()
    for block in note.blocks:
        where = f"{note.path}:{block.line}"
        misnamed = [Fault(where, *fault) for fault in _misnamed(layer, note, block, addresses)]
        yield from misnamed
        if block.kind == "proof" and not misnamed and _claims(layer) != _printed(block):
            yield Fault(where, f"proof {block.address} is not as the proofs are", f"{WRITE} --run")
        elif not misnamed and block.filled != layer.filled(note, block):
            yield Fault(where, f"{block.address} is not as the code is", WRITE)
        if block.kind == "hunk":
            words = " ".join(block.words.split())
            mend = f"write its words in {note.path}"
            if len(words) < SENTENCE:
                yield Fault(where, f"{block.address} has no words of its own", mend)
            elif words in said:
                yield Fault(where, f"{block.address} has the words of {said[words]}", mend)
            said.setdefault(words, block.address)
    yield from _unexplained(layer, note)


def _misnamed(
    layer: Layer, note: Note, block: Block, met: set[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    if block.kind in ("proof", "run"):
        title = f"{block.kind} {block.address}"
        if not re.fullmatch(f"0?{layer.stage.number}", block.address):
            yield f"{title} is of another stage", f"write {layer.stage.number:02}"
        if block.kind == "run" and not re.search(r"^\$ ", block.filled, re.MULTILINE):
            yield f"{title} has no commands", "write each after `$ ` in a fence"
        return
    source = layer.source(block)
    if source is None:
        what = "has no such file" if block.kind == "code" else "does not change that file"
        yield f"shows {block.address}, but {layer.stage.name} {what}", "mend the address"
        return
    if block.kind == "fold" and not layer.foldable(block.path):
        what = f"folds {block.path}, which is neither a test, a migration nor data"
        yield what, f"show it in a block of kind {'hunk' if layer.before else 'code'}"
    known = [""] if block.kind == "fold" else source.names(note.shown(block.kind, block.path))
    for name in block.names:
        address = f"{block.path}::{name}" if name else block.path
        if name not in known:
            what = "has" if block.kind == "code" else "changes"
            reason = f"{layer.stage.name} {what} nothing of that name"
            if not name:
                reason = "its other blocks show all of it"
            yield f"shows {address}, but {reason}", "mend the address or take it out"
        if (block.kind, address) in met:
            yield f"shows {address} again", "take one out"
        met.add((block.kind, address))


def _claims(layer: Layer) -> list[str]:
    """What the proofs and guards of a stage claim."""
    file = layer.stage.path / "tests" / f"test_{layer.stage.number:02}_proofs.py"
    tree = ast.parse(file.read_text(encoding="utf-8") if file.exists() else "")
    words = (node for node in ast.walk(tree) if isinstance(node, ast.keyword))
    return sorted(ast.literal_eval(word.value) for word in words if word.arg == "claim")


def _printed(block: Block) -> list[str]:
    """The claims that the block of a proof shows."""
    return sorted(re.findall(r"^(?:proof|guard): (.*)$", block.filled, flags=re.MULTILINE))


def _unexplained(layer: Layer, note: Note) -> Iterator[Fault]:
    kind = "hunk" if layer.before else "code"
    folded = [block.path for block in note.blocks if block.kind == "fold"]
    for source in _to_show(layer):
        shown = note.shown(kind, source.path)
        missing = [name for name in source.names(shown) if name not in shown]
        if source.path in folded or not missing:
            continue
        if layer.foldable(source.path) and not shown:
            mend = f"write <!-- fold {source.path} --> in {note.path}, then {WRITE}"
            yield Fault(note.path, f"does not list {source.path} of {layer.stage.name}", mend)
            continue
        for name in missing:
            address = f"{source.path}::{name}" if name else source.path
            about = f" ({inner})" if not name and (inner := source.about_rest(shown)) else ""
            what = f"does not show {address}{about} of {layer.stage.name}"
            words = "its words and " if kind == "hunk" else ""
            mend = f"write {words}<!-- {kind} {address} --> in {note.path}, then {WRITE}"
            yield Fault(note.path, what, mend)


def _to_show(layer: Layer) -> Iterator[Source]:
    if layer.before:
        yield from layer.changed.values()
        return
    for path, source in layer.given.items():
        if not any(fnmatch(path, pattern) for pattern in UNREAD):
            yield source
