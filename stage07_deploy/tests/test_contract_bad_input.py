"""What cannot be accepted is refused with a problem, and nothing is stored; in every stage."""

import json

import pytest

POSTS, TODOS = "/api/v1/posts/", "/api/v1/todos/"
JSON = {"Content-Type": "application/json"}
HUGE = 10**400


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


BODIES = {
    "empty": b"",
    "no json": b"{",
    "trailing comma": b'{"title": "A",}',
    "two values": b'{"title": "A"} {}',
    "single quotes": b"{'title': 'A'}",
    "not utf-8": b'{"title": "\xff"}',
    "utf-16": '{"title": "A"}'.encode("utf-16"),
    "nan": b'{"title": NaN}',
    "infinity": b'{"title": Infinity}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep in a field": b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "integer of 5000 digits": b'{"title": ' + b"9" * 5000 + b"}",
    "array": b"[]",
    "string": b'"title"',
    "number": b"1",
    "null": b"null",
}


@pytest.fixture(autouse=True)
def nothing_stored(author):
    """Whatever a test of this file sends, the newest posts and to-dos are the same afterwards."""
    before = [author.get(url).json()["results"] for url in (POSTS, TODOS)]
    yield
    assert [author.get(url).json()["results"] for url in (POSTS, TODOS)] == before


@pytest.mark.parametrize("path", [POSTS, TODOS])
@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
def test_body__no_json_object__is_400(author, problem, path, content):
    errors = problem_fields(author.post(path, content=content, headers=JSON), problem)

    assert not errors or errors == {"title"}


def problem_fields(response, problem):
    return set(problem(response, 400, *response.json().get("errors", {})).get("errors", {}))


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"title"}),
        ({"title": None}, {"title"}),
        ({"title": 1}, {"title"}),
        ({"title": True}, {"title"}),
        ({"title": ["A"]}, {"title"}),
        ({"title": {}}, {"title"}),
        ({"title": ""}, {"title"}),
        ({"title": " \t\n"}, {"title"}),
        ({"title": "A" * 201}, {"title"}),
        ({"title": "A\0B"}, {"title"}),
        ({"title": "\ud800"}, {"title"}),
        ({"title": "A", "body": None}, {"body"}),
        ({"title": "A", "body": 1.5}, {"body"}),
        ({"title": "A", "body": "\0"}, {"body"}),
        ({"title": "A", "body": "\udfff"}, {"body"}),
        ({"title": "A", "body": "x" * 100_001}, {"body"}),
        ({"title": "A", "tags": "a"}, {"tags"}),
        ({"title": "A", "tags": None}, {"tags"}),
        ({"title": "A", "tags": {"a": 1}}, {"tags"}),
        ({"title": "A", "tags": [1]}, {"tags"}),
        ({"title": "A", "tags": [["a"]]}, {"tags"}),
        ({"title": "A", "tags": [""]}, {"tags"}),
        ({"title": "A", "tags": ["two words"]}, {"tags"}),
        ({"title": "A", "tags": ["a\0"]}, {"tags"}),
        ({"title": "A", "tags": ["\ud800"]}, {"tags"}),
        ({"title": "A", "tags": ["a" * 41]}, {"tags"}),
        ({"title": "A", "tags": [f"t{n}" for n in range(21)]}, {"tags"}),
        ({"title": "A", "colour": "red"}, {"colour"}),
        ({"title": "A", "slug": "mine"}, {"slug"}),
        ({"title": "A", "status": "published"}, {"status"}),
        ({"title": "A", "created_at": "2020-01-01T00:00:00Z"}, {"created_at"}),
        ({"title": "A", "\ud800": 1}, {"\ud800"}),
        ({"title": 1, "body": 1, "colour": 1}, {"title", "body", "colour"}),
    ],
)
def test_post__unacceptable__names_the_fields(author, problem, fields, wrong):
    problem(author.post(POSTS, content=body(**fields), headers=JSON), 400, *wrong)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"title"}),
        ({"title": 1}, {"title"}),
        ({"title": "A\0"}, {"title"}),
        ({"title": "A", "description": None}, {"description"}),
        ({"title": "A", "description": "x" * 10_001}, {"description"}),
        ({"title": "A", "done": "yes"}, {"done"}),
        ({"title": "A", "done": 1}, {"done"}),
        ({"title": "A", "done": None}, {"done"}),
        ({"title": "A", "due_on": "tomorrow"}, {"due_on"}),
        ({"title": "A", "due_on": "2026-02-30"}, {"due_on"}),
        ({"title": "A", "due_on": "20260201"}, {"due_on"}),
        ({"title": "A", "due_on": "2026-02-01T00:00:00Z"}, {"due_on"}),
        ({"title": "A", "due_on": 20260201}, {"due_on"}),
        ({"title": "A", "due_on": "0000-01-01"}, {"due_on"}),
        ({"title": "A", "post": "nowhere"}, {"post"}),
        ({"title": "A", "post": 1}, {"post"}),
        ({"title": "A", "post": HUGE}, {"post"}),
        ({"title": "A", "post": "\0"}, {"post"}),
        ({"title": "A", "post": {"slug": "a"}}, {"post"}),
        ({"title": "A", "id": 1}, {"id"}),
        ({"title": "A", "colour": "red"}, {"colour"}),
    ],
)
def test_todo__unacceptable__names_the_fields(author, problem, fields, wrong):
    problem(author.post(TODOS, content=body(**fields), headers=JSON), 400, *wrong)


@pytest.mark.parametrize("fields", [{"title": None}, {"tags": "a"}, {"colour": 1}, {"slug": "new"}])
def test_patch__unacceptable__names_the_fields(author, new_post, problem, fields):
    url = f"{POSTS}{new_post()['slug']}/"
    before = author.get(url).json()

    problem(author.patch(url, json=fields), 400, *fields)
    problem(author.put(url, json={"title": "A", **fields}), 400, *fields)

    assert author.get(url).json() == before
    author.delete(url)


@pytest.mark.parametrize("wrong", ["body", "colour"])
def test_comment__unacceptable__names_the_fields(author, new_post, comment, problem, wrong):
    post = f"{POSTS}{new_post(published=True)['slug']}/"

    problem(author.post(f"{post}comments/", json={**comment, wrong: 1}), 400, wrong)

    assert author.get(f"{post}comments/").json()["results"] == []
    author.delete(post)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; charset=nonsense",
        "application/jsonp",
        "json",
    ],
)
def test_media_type__not_json__is_415(author, problem, content_type):
    headers = {"Content-Type": content_type}

    response = author.post(POSTS, content=b'{"title": "A"}', headers=headers)

    problem(response, 415)
    assert "application/json" in response.headers["Accept"]


def test_body__over_1_mib__is_413(author, problem):
    problem(author.post(POSTS, content=body(title="A", body="x" * 10_000_000), headers=JSON), 413)
    problem(author.post(TODOS, content=b"x" * (1024 * 1024 + 1), headers=JSON), 413)


@pytest.mark.parametrize(
    ("path", "parameter", "value"),
    [
        (POSTS, "page_size", "0"),
        (POSTS, "page_size", "-1"),
        (POSTS, "page_size", "101"),
        (POSTS, "page_size", "ten"),
        (POSTS, "page_size", "٣"),
        (POSTS, "page_size", "1.5"),
        (POSTS, "page_size", ""),
        (POSTS, "page_size", str(HUGE)),
        (POSTS, "cursor", ""),
        (POSTS, "cursor", "abc"),
        (POSTS, "cursor", "é"),
        (POSTS, "cursor", "\0"),
        (POSTS, "cursor", "cD1hYmM="),
        (POSTS, "cursor", "YWZ0ZXIgMjAyNi0wMS0wMVQwMDowMDowMCAx"),
        (POSTS, "cursor", "YWZ0ZXIgMDAwMS0wMS0wMVQwMDowMDowMCsyMzo1OSAx"),
        (POSTS, "cursor", "YWZ0ZXIgOTk5OS0xMi0zMVQyMzo1OTo1OS0yMzo1OSAx"),
        (POSTS, "cursor", "YWZ0ZXIgMjAyNi0wMS0wMSswMDowMCAx"),
        (POSTS, "cursor", "A" * 5000),
        (POSTS, "status", "lost"),
        (POSTS, "q", "a\0b"),
        (POSTS, "q", "x" * 201),
        (POSTS, "tag", "\0"),
        (POSTS, "tag", "two words"),
        (POSTS, "colour", "red"),
        (POSTS, "author", "abc"),
        (TODOS, "done", "yes"),
        (TODOS, "done", ""),
        (TODOS, "due_before", "soon"),
        (TODOS, "due_before", "2026-13-01"),
        (TODOS, "due_before", "2026-01-01T00:00"),
        (TODOS, "post", "\0"),
        (TODOS, "page_size", "1e2"),
        (TODOS, "cursor", "{}"),
        (TODOS, "title", "A"),
    ],
)
def test_query__unacceptable__names_the_parameter(author, problem, path, parameter, value):
    problem(author.get(path, params={parameter: value}), 400, parameter)


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        (POSTS, "tag=a&tag=b", "tag"),
        (POSTS, "page_size=1&page_size=1", "page_size"),
        (TODOS, "done=true&post=a&done=false", "done"),
    ],
)
def test_query__parameter_twice__is_refused_by_name(author, problem, path, query, parameter):
    problem(author.get(f"{path}?{query}"), 400, parameter)


@pytest.mark.parametrize(
    "number", ["0", str(2**31), str(2**63), str(HUGE), "9" * 5000, "-1", "1.0", "x"]
)
@pytest.mark.parametrize("kind", ["todos", "comments"])
def test_id__of_nothing__is_404(author, problem, kind, number):
    problem(author.delete(f"/api/v1/{kind}/{number}/"), 404)


@pytest.mark.parametrize("slug", ["nowhere", "a" * 5000, "é", "%00", "..%2f", "%ff", "-", "A;B"])
def test_slug__of_nothing__is_404(author, problem, slug):
    problem(author.get(f"{POSTS}{slug}/"), 404)
    problem(author.patch(f"{POSTS}{slug}/", json={"title": "A"}), 404)
    problem(author.post(f"{POSTS}{slug}/publish/"), 404)
