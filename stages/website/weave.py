"""One file through all stages, each of its lines once, with the stages that have it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from stages.website.code import lines_of


@dataclass(frozen=True)
class Strand:
    """A line of a file, and the numbers of the stages in which it stands."""

    text: str
    html: str
    stages: list[int]


def weave(path: str, versions: Iterable[tuple[int, str]]) -> list[Strand]:
    """The lines of all versions of a file; what goes stands above what takes its place."""
    strands: list[Strand] = []
    before = 0
    for number, text in versions:
        lines = text.removesuffix("\n").split("\n") if text else []
        colored = lines_of(path, text)
        known = [at for at, strand in enumerate(strands) if before in strand.stages]
        matcher = SequenceMatcher(None, [strands[at].text for at in known], lines, autojunk=False)
        # From the end, so that the places before stay what they are.
        for tag, was, until, start, end in reversed(matcher.get_opcodes()):
            if tag == "equal":
                for at in known[was:until]:
                    strands[at].stages.append(number)
            elif start < end:
                place = known[until - 1] + 1 if until else 0
                strands[place:place] = [
                    Strand(lines[no], colored[no], [number]) for no in range(start, end)
                ]
        before = number
    return strands
