"""What differs from run to run in what programs print: the one place that knows it."""

import re

VOLATILE = re.compile(
    r"(?i:(?<=\bDate: ).+|(?<=^Server: ).+)"  # headers
    r"|\b[0-9a-f]{32}\b|\b[0-9a-f]{64}\b"  # entity tags, ids of requests; keys of cached pages
    r"|\b20\d\d-\d\d(?:-\d\d)?"  # times
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{16}\b"  # ids of jobs, versions
    r"|\b\d{10,}(?:\.\d+)?\b"  # seconds since 1970, weights made of them
    r"|(?<=X-Peer: ).*"
    r"|\bey[\w-]+\.[\w-]+\.[\w-]+"  # tokens
    r"|\b\d+(?:\.\d+)? ms\b",
    re.MULTILINE,
)


def same(one: str, other: str) -> bool:
    """Whether two outputs differ in nothing but what differs from run to run."""
    return VOLATILE.sub("…", one) == VOLATILE.sub("…", other)


def fits(shown: str, printed: str) -> bool:
    """Whether an output is as shown, where a line of `…` stands for any lines or none."""
    parts = re.split(r"^…$", shown, flags=re.MULTILINE)
    pattern = ".*".join(re.escape(VOLATILE.sub("…", part).strip("\n")) for part in parts)
    return bool(re.fullmatch(pattern, VOLATILE.sub("…", printed), re.DOTALL))


def same_but_figures(one: str, other: str) -> bool:
    """Whether two outputs differ in figures alone.

    How many of fifty racers lose is another number in every run, and any will do.
    """
    return re.sub(r"\d+", "0", one) == re.sub(r"\d+", "0", other)
