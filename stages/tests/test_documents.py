"""Commands that documents show without what they print: each is run here or by CI."""

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from checkouts import wait_until
from markdown_it import MarkdownIt

from stages import bench
from stages.layout import ROOT, find_stage, stages
from stages.run import greeting, procfile
from stages.transcripts import served

FILLED = re.compile(r"<!-- (run|proof|hunk|code|fold|trace) .*?<!-- /\1 -->", re.DOTALL)
COMMAND = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:\./stage|\.venv/bin/\S+|celery -A|docker compose"
    r"|curl --cacert|ops/(?:init|deploy|backup|restore))\b.*"
)
PATHS = ("README.md", "docs/*.md", "stage0*/README.md")
DOCUMENTS = sorted(path for pattern in PATHS for path in ROOT.glob(pattern))
CI = (ROOT / ".ci/run").read_text()
ROWS = ("--posts 100000", "--posts 1000")  # How long a seed of so many takes is not at stake.
FINE = {"200", "201", "202", "409"}  # 409 where the rule of the checklist is to be seen.
# What works on other files, or does not end, has tests on samples.
SAMPLES = {"docs": "test_[ds]*.py", "carry": "test_carry.py", "lock": "test_lock.py"}


def shown(path: Path, kinds: set[str]) -> list[str]:
    """The lines of code in a document, outside of what is filled in."""
    tokens = MarkdownIt("commonmark").enable("table").parse(FILLED.sub("", path.read_text()))
    inner = [part for token in tokens for part in (token, *(token.children or []))]
    codes = (part.content for part in inner if part.type in kinds)
    return [line for code in codes for line in code.replace("\\\n", " ").strip().split("\n")]


def documented() -> list[str]:
    """All commands of the tool, and others that are whole."""
    kinds = {"fence", "code_block", "code_inline"}
    lines = (line for path in DOCUMENTS for line in shown(path, kinds))
    return list(dict.fromkeys(line for line in lines if COMMAND.fullmatch(line)))


def of_stage(number: int) -> list[str]:
    """What is typed beside a running stage: what it greets with, and `manage.py`."""
    stage = find_stage(str(number))
    greeted = greeting(stage, str(stage.port)).partition("\n\n")[2].strip().split("\n")
    asked = [line for line in documented() if line.startswith(f"./stage manage {number} ")]
    return [*greeted, *(line for line in asked if line not in greeted)]


def in_containers() -> list[list[str]]:
    """The command lines of the proofs that need containers, without what is not written out."""
    (proofs,) = ROOT.glob("stage07_*/tests/test_07_proofs.py")
    begin = {"compose": ["docker", "compose"], "run": []}
    calls = (node for node in ast.walk(ast.parse(proofs.read_text())) if isinstance(node, ast.Call))
    return [
        begin[call.func.attr] + [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in begin
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_command__indented__is_one_that_a_test_knows(path):
    known = "\n".join(line for stage in stages() for line in of_stage(stage.number))
    tried = known.replace("\\\n", " ").split("\n")

    lines = shown(path, {"code_block"})

    assert [line for line in lines if not COMMAND.fullmatch(line) and line not in tried] == []


@pytest.mark.parametrize("command", [each for each in documented() if "./stage" in each])
def test_command__of_the_tool__does_what_it_is_documented_for(command):
    settings = re.findall(r"^(?:\w+=\S+ )*", command)[0].split()
    match shlex.split(command, comments=True)[len(settings) + 1 :]:
        case [] | ["--help"] | ["diff", *_] as args:
            done = subprocess.run(["./stage", *args], cwd=ROOT, capture_output=True, check=True)
            assert all(stage.name in done.stdout.decode() for stage in stages()) or args
            assert done.stdout
        case ["test", stage, "--", *args]:
            folder = find_stage(stage).path
            tests = "".join(path.read_text() for path in folder.glob("tests/test_*.py"))
            chosen = [] if "-k" not in args else args[args.index("-k") + 1].split(" or ")
            assert all(re.search(rf"^def test_\w*{part}", tests, re.MULTILINE) for part in chosen)
            assert all((folder / arg).exists() for arg in args if arg.startswith("tests/"))
            assert all(f'"{setting.partition("=")[0]}"' in tests for setting in settings)
        case ["test" | "check", *_]:
            assert f"\n{command}\n" in CI
        case ["prove", stage]:
            assert find_stage(stage) in stages()[1:]
            assert './stage prove "$stage"' in CI
        case ["run", number, "--only", name]:
            assert name in procfile(find_stage(number))
        case ["run", *numbers]:
            assert {find_stage(number) for number in numbers} <= set(stages())  # see below
        case ["bench", *args]:
            wanted = [arg for arg in args if not arg.startswith("--")]
            assert any(bench.chosen(wanted))  # test_bench.py measures a real stage
        case ["manage", number, *_]:
            assert command in of_stage(int(number))
        case [name, *rest]:
            tests = "".join(path.read_text() for path in Path(__file__).parent.glob(SAMPLES[name]))
            assert all(f'"{word}"' in tests for word in rest if not word.isdecimal())


@pytest.mark.parametrize("command", [each for each in documented() if "./stage" not in each])
def test_command__of_others__is_run_by_somebody(command):
    match shlex.split(command):
        case [".venv/bin/python", "-m", "pip", *args]:
            assert " ".join(args).partition("-r")[2] in CI
        case ["celery", *_]:
            assert "celery -A config worker" in str(procfile(stages()[-1]))
        case ["curl", "--cacert", authority, url]:
            (proofs,) = ROOT.glob("stage07_*/tests/test_07_proofs.py")
            assert f'"{authority}"' in proofs.read_text()
            assert url.startswith("https://localhost:8443/")
            assert "HTTPS_PORT=8443" in (stages()[-1].path / ".env.example").read_text()
        case ["docker", "compose", what, *options]:
            flags = {option for option in options if option.startswith("-")}
            calls = [call for call in in_containers() if call[:3] == ["docker", "compose", what]]
            assert any(flags <= set(call) for call in calls)
        case [script, *arguments]:
            scripts = {script, *re.findall(r"ops/\w+", " ".join(arguments))}
            assert scripts <= {call[0] for call in in_containers() if call}


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here: install curl")
@pytest.mark.parametrize("stage", stages(), ids=[stage.name for stage in stages()])
def test_readme__its_commands_tried__are_answered(stage, tmp_path):
    lines = [line.replace(*ROWS) for line in of_stage(stage.number)]
    log = tmp_path / "said"
    with served(stage) as place, log.open("w") as file:
        script = "set -e\n" + "\n".join(lines)
        script = script.replace(f"localhost:{stage.port}", f"localhost:{place.port}")
        with subprocess.Popen(
            ["sh", "-c", script],
            cwd=ROOT,
            env=place.env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        ) as shell:
            assert shell.wait(120) == 0, log.read_text()
        if any(line.endswith("&") for line in lines):
            wait_until(lambda: "\ndata: " in log.read_text(), "the stream has said something")
            os.killpg(shell.pid, signal.SIGTERM)
    said = log.read_text()
    statuses = re.findall(r"^HTTP/1.1 (\d+)", said, re.MULTILINE)
    assert len(statuses) == sum(" -i " in line for line in lines)
    assert set(statuses) <= FINE
