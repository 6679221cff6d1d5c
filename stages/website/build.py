"""The site: pages made of notes and code, which Zensical turns into HTML."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from posixpath import normpath, relpath
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import click

from stages.check_notes import layers
from stages.compare import compare_in, reading_place
from stages.faults import Ground
from stages.notes import Note, load_note, note_files
from stages.website.code import block, lines_of
from stages.website.files import APART, file_page, page_name, stylesheet
from stages.website.pages import index_page, note_page, pair_page

HERE = Path(__file__).parent
# What a reader looks up, before what only those who change something do.
LOOKED_UP = ("overview.md", "roadmap.md", "trace.md", "benchmarks.md", "compare/index.md")
LINK = re.compile(r"(?<=\]\()(?P<href>[^)\s]+)(?=\))")
FENCED = re.compile(r"(^(`{3,}).*?^\2$)", re.MULTILINE | re.DOTALL)


def build(ground: Ground, target: Path) -> None:
    """Write the site into a folder, which is made; raises ClickException."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="site-", dir=target.parent) as name:
        draft = Path(name)
        pages = Site(ground).pages()
        for page, text in pages.items():
            file = draft / "pages" / page
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        pictures = (ground.root / path for path in ground.texts if is_picture(path))
        for asset in (HERE / "site.css", HERE / "site.js", *pictures):
            shutil.copy(asset, draft / "pages")
        (draft / "pages/files.css").write_text(stylesheet(), encoding="utf-8")
        settings = (HERE / "zensical.toml").read_text(encoding="utf-8")
        settings = settings.replace("nav = []", f"nav = {navigation(pages)}", 1)
        (draft / "zensical.toml").write_text(settings, encoding="utf-8")
        generate(draft)
        shutil.rmtree(target, ignore_errors=True)
        (draft / "html").rename(target)


def generate(draft: Path) -> None:
    """Run the generator, for which any warning is a fault."""
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(
        command, cwd=draft, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        said = done.stdout.decode(errors="replace").partition("Traceback")[0]
        raise click.ClickException(f"zensical could not make the site:\n{said.strip()}")


def navigation(pages: dict[str, str]) -> str:
    """The generator's list of pages: the notes first, then what is looked up."""
    notes = sorted(page for page in pages if re.match(r"\d\d_", page))
    first = [page for page in LOOKED_UP if page in pages]
    others = {page for page in pages if "/" not in page} - {"index.md", *notes, *first}
    rows = [
        '{ "Start" = "index.md" }',
        f'{{ "Notes" = {json.dumps(notes)} }}',
        f'{{ "Look up" = {json.dumps([*first, *sorted(others)])} }}',
    ]
    return f"[{', '.join(rows)}]"


@dataclass(frozen=True)
class Site:
    """The pages, and which file of the repository is shown on which."""

    ground: Ground
    wanted: set[str] = field(default_factory=set)
    """Files outside of the stages that some page links to."""

    def pages(self) -> dict[str, str]:
        """All pages by path."""
        pages = dict(self._texts()) | dict(self._comparisons()) | dict(self._files())
        for path in sorted(self.wanted):
            lines = lines_of(path, self.ground.texts[path])
            shown = block("listing", "\n".join(lines))
            pages[page_name(path, "repo")] = f"{APART.format(path)}# `{path}`\n\n{shown}\n"
        return pages

    def _texts(self) -> Iterator[tuple[str, str]]:
        notes = {}
        for layer in layers(self.ground):
            for file in note_files(layer.stage)[:1]:
                notes[file.relative_to(self.ground.root).as_posix()] = layer, load_note(file)
        for path, text in self.ground.texts.items():
            if not (page := document(path)):
                continue
            if path in notes:
                layer, note = notes[path]
                yield page, note_page(page, layer, self._relinked_note(note))
            else:
                yield page, self._relinked(path, text)

    def _relinked_note(self, note: Note) -> Note:
        blocks = (
            replace(
                block,
                before=self._relinked(note.path, block.before),
                inside=self._relinked(note.path, block.inside),
            )
            for block in note.blocks
        )
        return Note(note.path, tuple(blocks), self._relinked(note.path, note.rest))

    def _relinked(self, path: str, text: str) -> str:
        """A text whose links lead to pages and no longer to files."""
        parts = FENCED.split(text)
        # Each match leaves three parts: the text before it, the fence and its mark.
        for at in range(0, len(parts), 3):
            parts[at] = LINK.sub(lambda link: self._address(path, link["href"]), parts[at])
        return "".join(part for at, part in enumerate(parts) if at % 3 < 2)

    def _address(self, path: str, href: str) -> str:
        name, _, anchor = href.partition("#")
        target = normpath(f"{path.rpartition('/')[0]}/{name}".lstrip("/"))
        if not name or urlsplit(href).scheme or is_picture(target):
            return href
        page = document(target)
        for stage in self.ground.stages:
            if target == stage.name:
                page = "compare/index.md"
            elif target.startswith(f"{stage.name}/"):
                page, anchor = page_name(target.partition("/")[2]), f"s{stage.number}"
        if not page:
            if target not in self.ground.texts:
                return href
            self.wanted.add(target)
            page = page_name(target, "repo")
        here = (document(path) or path).rpartition("/")[0] or "."
        return relpath(page, here) + (f"#{anchor}" if anchor else "")

    def _comparisons(self) -> Iterator[tuple[str, str]]:
        ground = self.ground
        for old, new in combinations(ground.stages, 2):
            page = f"compare/{old.number}-{new.number}.md"
            yield page, pair_page(page, old, new, compare_in(ground.snapshot, old, new))
        yield "compare/index.md", index_page(ground.stages, self._paths())

    def _paths(self) -> list[str]:
        paths = {path for files in self.ground.files.values() for path in files}
        return sorted(paths, key=reading_place)

    def _files(self) -> Iterator[tuple[str, str]]:
        for path in self._paths():
            yield page_name(path), file_page(path, self.ground.stages)


def document(path: str) -> str:
    """The page of a document: the README is the first, and those in docs/ keep their names."""
    if path == "README.md":
        return "index.md"
    folder, _, name = path.rpartition("/")
    names = {"index.md": "overview.md"}
    return names.get(name, name) if folder == "docs" and name.endswith(".md") else ""


def is_picture(path: str) -> bool:
    """Whether a file is one that documents show; the site has it beside their pages."""
    return bool(re.fullmatch(r"docs/[^/]+\.svg", path))
