"""A load generator: keep-alive connections, each of which asks again once it has its answer.

It is a process of its own, to share no interpreter with anything: ``python -m stages.load`` reads
a job from its standard input and prints what became of each request, both as JSON.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from statistics import median, quantiles
from typing import Any

ROUNDS = 20
LARGEST = 2**24  # Bytes of an answer.
EMPTY_LINE = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Tally:
    """What one request came to so far.

    Answers a second in each turn, seconds of wall clock and of our own CPU, and of each answer.
    """

    paces: list[float] = field(default_factory=list)
    seconds: float = 0.0
    own: float = 0.0
    answers: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def sum_up(self) -> dict[str, Any]:
        """Answers a second, milliseconds, and how busy this process was (1 is a whole core)."""
        cuts = quantiles(self.answers, n=100, method="inclusive")
        return {
            "rate": median(self.paces),  # Unmoved by turns in which the machine was busy.
            "p50": 1000 * cuts[49],
            "p99": 1000 * cuts[98],
            "busy": self.own / self.seconds,
            "statuses": self.statuses,
        }


async def run(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Make all requests in turns, A B C A B C …, so that what else the machine does hits all."""
    crews = {
        port: [
            await asyncio.open_connection("127.0.0.1", port, limit=LARGEST)
            for _ in range(job["connections"])
        ]
        for port in {request["port"] for request in job["requests"]}
    }
    tallies = [Tally() for _ in job["requests"]]
    turn = job["seconds"] / ROUNDS
    for number in range(1 + ROUNDS):
        for request, tally in zip(job["requests"], tallies, strict=True):
            # The first round warms up: caches fill, and connections to the database open.
            crew = crews[request["port"]]
            await take_turn(crew, encode(request), turn, tally if number else Tally())
    for _, writer in chain(*crews.values()):
        writer.close()
    return [tally.sum_up() for tally in tallies]


def encode(request: dict[str, Any]) -> bytes:
    """The bytes of a request."""
    body: bytes = request["body"].encode()
    headers = {"Host": "localhost", **request["headers"]}
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": len(body)}
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    method = "POST" if body else "GET"
    return f"{method} {request['path']} HTTP/1.1\r\n{fields}\r\n".encode() + body


async def take_turn(crew: list[Connection], request: bytes, seconds: float, tally: Tally) -> None:
    """Let all connections ask for some seconds, and wait until each has its last answer."""
    began, own, before = time.perf_counter(), time.process_time(), len(tally.answers)
    await asyncio.gather(*(keep_asking(each, request, began + seconds, tally) for each in crew))
    took = time.perf_counter() - began
    tally.paces.append((len(tally.answers) - before) / took)
    tally.seconds += took
    tally.own += time.process_time() - own


async def keep_asking(pair: Connection, request: bytes, until: float, tally: Tally) -> None:
    """Ask on one connection until a time is reached, at least once."""
    reader, writer = pair
    asked = time.perf_counter()
    while asked < until:
        writer.write(request)
        head = await reader.readuntil(EMPTY_LINE)
        if length := LENGTH.search(head):
            await reader.readexactly(int(length[1]))
        elif CHUNKED.search(head):
            # The last chunk ends so, and nothing before it: neither JSON nor our HTML holds one.
            await reader.readuntil(EMPTY_LINE)
        tally.statuses[int(head[9:12])] += 1
        answered = time.perf_counter()
        tally.answers.append(answered - asked)
        asked = answered


if __name__ == "__main__":
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)
