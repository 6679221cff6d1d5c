"""What the REST layer promises beyond the contract."""

import csv
import os
import re
import subprocess
import sys
from base64 import urlsafe_b64encode
from functools import reduce
from operator import getitem
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from rest_framework.exceptions import NotAuthenticated, Throttled

from config import problems
from tests.conftest import account, committed

STAGE = Path(__file__).resolve().parent.parent
POSTS, TODOS = "/api/v1/posts/", "/api/v1/todos/"
HTML = {"Accept": "text/html"}
EVERYBODY = ["anonymous", "reader", "author", "editor"]
FUZZ_ROLES = EVERYBODY if "FUZZ_EXAMPLES" in os.environ else ["author"]
CSV = {"Accept": "text/csv"}


@pytest.fixture(scope="session")
def document(client):
    return yaml.safe_load(client.get("/api/schema/").text)


def operations(document):
    return [each for methods in document["paths"].values() for each in methods.values()]


def test_document__committed__is_the_one_served(tmp_path):
    made = tmp_path / "openapi.yaml"

    options = {"api_version": "v1", "validate": True, "fail_on_warn": True}
    call_command("spectacular", file=str(made), **options)

    # ./stage manage 3 spectacular --api-version v1 --file openapi.yaml
    assert (STAGE / "openapi.yaml").read_text() == made.read_text()


def test_document__served__is_the_committed_one(document):
    assert document == yaml.safe_load((STAGE / "openapi.yaml").read_text())
    assert document["openapi"].startswith("3.1")


def test_document__every_operation__has_summary_examples_and_errors(document):
    def bodies(part):
        return [body for name, body in part.get("content", {}).items() if "json" in name]

    for operation in operations(document):
        assert operation["summary"]
        parts = [operation.get("requestBody", {}), *operation["responses"].values()]
        parts = [follow(document, part) for part in parts]
        for body in (body for part in parts for body in bodies(part)):
            schema = follow(document, body["schema"])
            rows = schema.get("properties", {}).get("results")
            schema = follow(document, rows["items"]) if rows else schema
            for example in schema.get("examples") or [body["example"]]:
                jsonschema_rs.validate({**document, **schema}, example, validate_formats=True)
        errors = {status for status in operation["responses"] if status >= "400"}
        assert {"400", "406", "500", "503"} <= errors
        for status in errors:
            error = follow(document, operation["responses"][status])
            assert list(error["content"]) == ["application/problem+json"]


def follow(document, part):
    while "$ref" in part:
        _, *keys = part["$ref"].split("/")
        part = reduce(getitem, keys, document)
    return part


def test_docs__without_network__load_from_here_alone(start_web):
    with start_web(DEBUG="true").client() as client:
        for path in ("/api/docs/", "/api/redoc/", POSTS):
            page = client.get(path, headers=HTML)
            assert page.status_code == 200
            loaded = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', page.text)
            assert loaded
            for link in loaded:
                assert re.match("/[^/]", link)
                assert client.get(link).status_code == 200


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_docs__asked_for_options__are_405(client, problem, path):
    problem(client.options(path), 405)


def test_service_document__links__lead_somewhere(author):
    for link in author.get("/").json().values():
        assert author.get(link).status_code in (200, 405)


@pytest.mark.parametrize("path", ["", "{slug}/", "{slug}/comments/"])
def test_browsable__for_a_browser__is_a_page(author, new_post, path):
    slug = new_post(title="<b>Read me</b>", published=True)["slug"]

    page = author.get(f"{POSTS}{path.format(slug=slug)}", headers=HTML)

    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "<b>Read me" not in page.text


def test_browsable__error__is_still_a_problem(author, problem):
    problem(author.get(f"{POSTS}nowhere/", headers=HTML), 404)


def test_csv__of_a_list__has_the_rows_of_the_json(author, new_post, new_todo):
    slug = new_post()["slug"]
    for title in ('Ünï, quoted "so"', "two\nlines"):
        new_todo(title=title, post=slug, due_on="2026-01-31")
    url = f"{TODOS}?post={slug}&ordering=-created_at"

    table = author.get(url, headers=CSV)

    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(table.text.splitlines(keepends=True)))
    found = author.get(url).json()["results"]
    assert list(rows[0]) == list(found[0])
    assert rows == [{name: str(value) for name, value in row.items()} for row in found]
    assert table.headers["ETag"] != author.get(url).headers["ETag"]
    assert author.get(f"{TODOS}?post=nowhere", headers=CSV).text.splitlines() == [",".join(rows[0])]


@pytest.mark.parametrize("path", [POSTS, f"{TODOS}1/"])
def test_csv__of_anything_else__is_406(author, problem, path):
    problem(author.get(path, headers=CSV), 406)


def test_csv__asked_for_with_a_post__stores_nothing(author, problem, new_post):
    slug = new_post()["slug"]

    problem(author.post(TODOS, json={"title": "A", "post": slug}, headers=CSV), 406)

    assert author.get(TODOS, params={"post": slug}).json()["results"] == []


def test_accept__weights__decide(author):
    def kind(accept):
        return author.get(TODOS, headers={"Accept": accept}).headers["Content-Type"]

    assert kind("text/csv;q=0.5, application/json") == "application/json"
    assert kind("application/json;q=0.5, text/csv").startswith("text/csv")
    assert kind("text/html;q=0.9, text/*").startswith("text/csv")


def test_url__of_what_is_there__leads_to_it(author, comment, new_post):
    post = new_post(published=True)

    created = author.post(f"{post['url']}comments/", json=comment)

    assert author.get(post["url"]).json() == post
    assert created.headers["Location"] == created.json()["url"]
    assert author.delete(created.json()["url"]).status_code == 204


def test_actions__publish__is_there_only_when_it_would_succeed(author, new_post, new_todo):
    post = new_post()
    assert author.post(post["actions"]["publish"]).json()["actions"] == {}

    post = new_post()
    todo = new_todo(post=post["slug"])
    assert author.get(post["url"]).json()["actions"] == {}
    author.patch(f"{TODOS}{todo['id']}/", json={"done": True})
    assert author.get(post["url"]).json()["actions"] == post["actions"]


def test_unknown__parameter_or_member__names_what_is_allowed(author, comment, new_post, problem):
    answer = problem(
        author.get(TODOS, params={"colour": "red", "done": "maybe"}), 400, "colour", "done"
    )
    allowed = "cursor, done, due_before, ordering, page_size, post"
    assert answer["errors"]["colour"] == [f"Unknown. Allowed: {allowed}."]

    answer = problem(author.post(POSTS, json={"title": "A", "colour": "red"}), 400, "colour")
    assert answer["errors"]["colour"] == ["Unknown. Allowed: body, tags, title."]

    url = f"{POSTS}{new_post(published=True)['slug']}/comments/"
    problem(author.get(url, params={"tag": "a"}), 400, "tag")


@pytest.mark.parametrize("post", ["", " ", "x" * 81, False, []])
def test_todo__post_that_is_no_slug__is_refused(author, problem, post):
    problem(author.post(TODOS, json={"title": "A", "post": post}), 400, "post")


def test_tags__more_than_allowed__are_refused_though_they_are_the_same(author, problem):
    problem(author.post(POSTS, json={"title": "A", "tags": ["a"] * 21}), 400, "tags")


def test_tag__of_any_letter__can_be_looked_for(author, tag):
    tag = tag[-30:]
    post = author.post(POSTS, json={"title": "A", "tags": [f"{tag}-İSİG"]}).json()

    assert post["tags"] == [f"{tag}-isig"]
    for name in (f"{tag}-İsig", *post["tags"]):
        assert author.get(POSTS, params={"tag": name}).json()["results"] == [post]


def test_text__with_space_around__is_kept_as_it_is(author):
    post = author.post(POSTS, json={"title": " A ", "body": "\n"}).json()

    assert (post["title"], post["body"]) == (" A ", "\n")


def test_text__of_white_space_alone__is_refused_as_the_document_says(author, document):
    pattern = document["components"]["schemas"]["PostRequest"]["properties"]["title"]["pattern"]

    for character in map(chr, range(1, 0xD800)):
        assert bool(re.search(pattern, character)) is bool(character.strip())
    for space in ("\x85", "\u3000\x1c"):
        assert author.post(POSTS, json={"title": space}).status_code == 400


def test_patch__without_a_body__is_400(author, new_post, problem):
    problem(author.patch(new_post()["url"]), 400)


@pytest.mark.parametrize(
    "ordering", ["", "body", "--title", "title,created_at", "Title", "\0", "%"]
)
def test_ordering__not_documented__is_refused(author, problem, ordering):
    problem(author.get(POSTS, params={"ordering": ordering}), 400, "ordering")


@pytest.mark.parametrize(
    ("path", "ordering", "place"),
    [
        (POSTS, "created_at", "after tomorrow 1"),
        (POSTS, "created_at", "after  1"),
        (POSTS, "published_at", "after 2026-01-01 1"),
        (POSTS, "title", "after A\0B 1"),
        (POSTS, "title", "after A"),
        (POSTS, "title", "beside A 1"),
        (TODOS, "due_on", "after 2026-01-01T00:00:00+00:00 1"),
        (TODOS, "due_on", "before 2026-02-30 1"),
        (TODOS, "due_on", "before 2026-01-30 one"),
    ],
)
def test_cursor__that_no_page_has__is_refused(author, problem, path, ordering, place):
    cursor = urlsafe_b64encode(place.encode()).decode()

    problem(author.get(path, params={"ordering": ordering, "cursor": cursor}), 400, "cursor")


def test_if_match__of_another_representation__is_412(author, new_todo, problem):
    url = f"{TODOS}{new_todo()['id']}/"

    for tag in (author.get(TODOS, headers=CSV).headers["ETag"], author.get(TODOS).headers["ETag"]):
        problem(author.patch(url, json={"done": True}, headers={"If-Match": tag}), 412)


def test_problem__of_an_exception_of_drf__has_its_headers():
    refused = NotAuthenticated()
    refused.auth_header = "Bearer"

    assert problems.handle(refused, {}).headers["WWW-Authenticate"] == "Bearer"
    assert problems.handle(PermissionDenied(), {}).status_code == 403
    assert problems.handle(Throttled(wait=3), {}).headers["Retry-After"] == "3"


def test_debug__on_or_off__errors_are_the_same(client, start_web):
    requests = [
        ("GET", "/nowhere", {}),
        ("GET", "/api/v2/posts/", {}),
        ("GET", "/static/nowhere", {}),
        ("GET", POSTS, {"headers": {"Host": "evil.example"}}),
        ("GET", POSTS, {"headers": {"Accept": "image/png"}}),
        ("GET", POSTS, {"params": {"colour": "red"}}),
        ("PUT", POSTS, {}),
        ("POST", POSTS, {"content": b"[" * 100_000}),
        (
            "POST",
            POSTS,
            {"content": b"[" * 100_000, "headers": {"Content-Type": "application/json"}},
        ),
        ("GET", "/api/docs/", {"headers": {"Accept": "image/png"}}),
    ]
    with start_web(DEBUG="true").client() as debugged:
        for method, path, options in requests:
            one, other = (each.request(method, path, **options) for each in (client, debugged))
            assert one.status_code == other.status_code >= 400
            assert one.headers["Content-Type"] == "application/problem+json"
            assert one.json() == other.json()


@pytest.mark.parametrize("role", FUZZ_ROLES)
def test_requests__generated_from_the_document__are_answered_as_described(
    start_web, tmp_path, role
):
    """FUZZ_EXAMPLES is how many to generate for each operation: 200 make over 20,000 requests.

    They are made with the token of each role then, and otherwise with that of an author alone.
    """
    replaced = "positive_data_acceptance,negative_data_rejection"  # by those in fuzzing.py
    options = ["--checks", "all", "--exclude-checks", replaced, "--no-color"]
    options += ["--max-examples", os.environ.get("FUZZ_EXAMPLES", "2"), "--continue-on-failure"]
    if "FUZZ_EXAMPLES" not in os.environ:
        # The same requests each time, so that a change makes it fail and not luck; and without
        # the many that try each parameter at each of its limits.
        options += ["--generation-deterministic", "--phases", "examples,fuzzing,stateful"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzzing", "PYTHONPATH": str(STAGE)}
    if role != "anonymous":
        who = {"FUZZ_EMAIL": f"fuzzing-{role}@example.com", "FUZZ_PASSWORD": "quite a secret"}
        password = make_password(who["FUZZ_PASSWORD"])
        committed(account, who["FUZZ_EMAIL"], role, password=password)
        environment |= who

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            f"{start_web().url}/api/schema/",
            *options,
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    sys.stdout.write(done.stdout)  # pytest -rP shows it
    assert done.returncode == 0
