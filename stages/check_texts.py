"""Checks of the text files: links, commands, lock, and what must not be in any of them."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

import click
from markdown_it import MarkdownIt
from markdown_it.token import Token

from stages.cli import cli
from stages.faults import Fault, Ground
from stages.lock import all_locks, is_current
from stages.trees import conflict_lines

# None of the patterns matches its own text here.
NOT_FOR_SHARING = {
    "a package registry": re.compile(
        r"\b(?:(?:test\.)?pypi\.(?:org|io)|files\.pythonhosted\.(?:org)|registry\.(?:npmjs|yarnpkg)"
        r"|(?:deb|security)\.(?:debian)\.org|archive\.(?:ubuntu)\.com|proxy\.(?:golang)\.org)"
        r"|--(?:extra-)?(?:index-url|find-links)[ =]\S"
    ),
    "a folder of one machine": re.compile(r"(?<![\w.}])/(?:home|root|Users|work)/\w"),
}
PLACEHOLDER = re.compile(r"[A-Z]$|[\[<…]")
SHELL = ("&&", "||", "|", ";", "&", ">", "<")


def lock(ground: Ground) -> Iterator[Fault]:
    """The locks hold what pyproject.toml asks for and name no place to get it from."""
    mend = "./stage lock"
    for file in all_locks():
        name = file.relative_to(ground.root).as_posix()
        if not is_current(file):
            yield Fault(name, "is older than the groups in pyproject.toml", mend)
        for number, line in enumerate(ground.texts.get(name, "").split("\n"), 1):
            names_place = re.search(r"\w:/|^\s*-[-ef]|^[./]| @ ", line)
            if names_place and not re.match(r"\s*--hash=", line):
                yield Fault(f"{name}:{number}", "names an index, a host or a path", mend)


def conflicts(ground: Ground) -> Iterator[Fault]:
    """No file has conflict markers left in it."""
    for path, text in ground.texts.items():
        for line in conflict_lines(text.encode()):
            yield Fault(f"{path}:{line}", "has conflict markers", "choose, and take them out")


def private(ground: Ground) -> Iterator[Fault]:
    """No file names a package registry's host or a folder of somebody's machine."""
    for path, text in ground.texts.items():
        for number, line in enumerate(text.split("\n"), 1):
            for what, pattern in NOT_FOR_SHARING.items():
                if pattern.search(line):
                    yield Fault(f"{path}:{number}", f"names {what}", "take it out")


def links(ground: Ground) -> Iterator[Fault]:
    """Relative links and paths in Markdown lead to files and headings that exist."""
    there = {str(place) for name in ground.texts for place in PurePosixPath(name).parents}
    there |= set(ground.texts)
    tops = {name.partition("/")[0] for name in there if "/" in name}
    for path, tokens in _documents(ground):
        for token in tokens:
            href = str(token.attrGet("href") or token.attrGet("src") or "")
            if token.type == "code_inline" and re.fullmatch(r"[\w.-]+/[\w./-]*", token.content):
                if token.content.partition("/")[0] in tops and normpath(token.content) not in there:
                    yield Fault(
                        path, f"names {token.content}, which does not exist", "mend the path"
                    )
            elif href and not urlsplit(href).scheme and not href.startswith("//"):
                name, _, anchor = unquote(href).partition("#")
                target = normpath(PurePosixPath(path).parent / name) if name else path
                if target not in there:
                    yield Fault(path, f"links to {href}, which does not exist", "mend the link")
                elif anchor and target.endswith(".md") and anchor not in _anchors(ground, target):
                    yield Fault(path, f"links to {href}, a missing heading", "mend the link")


def commands(ground: Ground) -> Iterator[Fault]:
    """The ./stage commands in Markdown exist and take what is given to them."""
    for path, tokens in _documents(ground):
        for token in tokens:
            if token.type not in ("fence", "code_block", "code_inline"):
                continue
            for line in token.content.replace("\\\n", " ").split("\n"):
                match = re.match(r"\s*(?:\$ )?\./stage\b(.*)", line)
                if match and (reason := _refusal(match[1])):
                    yield Fault(path, f"{line.strip()}: {reason}", "mend the command")


def _refusal(typed: str) -> str:
    try:
        words = shlex.split(typed, comments=True)
    except ValueError as error:
        return str(error)
    cut = next((at for at, word in enumerate(words) if word in SHELL), len(words))
    words = words[:cut]
    if not words or words[0].startswith("-") or words[0] == "…":
        return ""
    command = cli.get_command(click.Context(cli), words[0])
    if command is None:
        return f"there is no command {words[0]}"
    if {"-h", "--help"} & set(words) or any(map(PLACEHOLDER.match, words)):
        return ""
    try:
        command.make_context(words[0], words[1:])
    except click.ClickException as error:
        return error.format_message()
    return ""


def _documents(ground: Ground) -> Iterator[tuple[str, list[Token]]]:
    for path in ground.texts:
        if path.endswith(".md"):
            tokens = _parse(ground.texts[path])
            yield path, [inner for token in tokens for inner in (token, *(token.children or []))]


def _parse(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def _anchors(ground: Ground, path: str) -> set[str]:
    """The anchors that code hosts make of a document's headings."""
    tokens, seen, anchors = _parse(ground.texts[path]), Counter[str](), set()
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            shown = "".join(child.content for child in token.children or [])
            slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
            anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
    return anchors
