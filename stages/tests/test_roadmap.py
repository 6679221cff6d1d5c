"""``./stage check --only roadmap`` and the links that ``./stage docs`` writes, on dummy stages."""

import pytest
from clones import make_clone

PATH = "docs/roadmap.md"
CODE, TEST = "`blog/services.py::first`", "`tests/test_contract_posts.py::test_posts__listed__ok`"
SECTION = "## 0{0} {1}\n\n| topic | code | test |\n| --- | --- | --- |\n| order | {2} | {3} |\n\n"
SECTIONS = [SECTION.format(number, name, CODE, TEST) for number, name in enumerate("XYZ", 1)]
AFTER = "## What has no code here\n\n| `no/such.py` | anything |\n| --- | --- |\n| a | b |\n"


@pytest.fixture
def clone(tmp_path):
    clone = make_clone(tmp_path)
    clone.write_notes()
    clone.write(PATH, "".join([*SECTIONS, AFTER]))
    clone.stage("docs", "--write")
    return clone


def test_docs_write__addresses__become_links_once(clone):
    text = clone.read(PATH)

    assert f"| order | [{CODE}](../stage02_y/blog/services.py) | [{TEST}](../stage02_y/" in text
    assert text.endswith(AFTER)
    assert clone.stage("docs", "--write") == ""
    clone.stage("check", "--only", "roadmap", "--only", "links")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("::first`](../stage02", "::fifth`](../stage02", ":11: blog/services.py::fifth is not in"),
        ("`blog/services.py::first`](../stage02", "`blog/a.py`](../stage02", "blog/a.py is not in"),
        ("__ok`](../stage03", "__no`](../stage03", "__no is not in stage03_z; mend the address"),
        (
            "| [`tests/",
            "| [`todos/rules.py::LIMIT`](x) [`tests/",
            "::LIMIT is no test; name a test",
        ),
        (f"{CODE}](../stage01_x", f"{CODE}](../stage02_y", "has addresses without their links"),
        ("## 03 Z", "## Later", "has no topic of stage03_z; write its topics under ## 03 z"),
        ("| order |", "| order | a |", "has 4 cells; write topic, code and test"),
        (f"[{CODE}](../stage03_z/blog/services.py)", "no code", "names no code of order"),
    ],
)
def test_check__roadmap_and_code_differ__names_where_and_what_mends_it(clone, old, new, said):
    clone.replace(PATH, old, new)

    assert said in clone.stage("check", "--only", "roadmap", code=1)


def test_check__definition_renamed__is_found(clone):
    clone.replace("stage02_y/blog/services.py", "def first", "def begin")

    said = clone.stage("check", "--only", "roadmap", code=1)

    assert f"{PATH}:11: blog/services.py::first is not in stage02_y; mend the address" in said
