"""What the REST layer is for: each proof fails on the stage before, for the reason it names."""

import json
import re
import subprocess
import sys
from importlib import import_module
from itertools import product

import jsonschema_rs
import pytest
from django.test import Client

POSTS, TODOS, AUTH = "/api/v1/posts/", "/api/v1/todos/", "/api/v1/auth/"
EXPORTS = "/api/v1/exports/"
JSON = {"Content-Type": "application/json"}
NO_DOCUMENT = "assert 404 == 200"


def read_document(client):
    """The API's description of itself."""
    response = client.get("/api/schema/", headers={"Accept": "application/json"})
    assert response.status_code == 200
    return response.json()


@pytest.mark.proof(
    claim="A client generated from the service's own description writes and publishes a post.",
    before=NO_DOCUMENT,
)
def test_client__generated_from_the_document__writes_and_publishes(
    web, author, tag, tmp_path, monkeypatch
):
    (tmp_path / "openapi.json").write_text(json.dumps(read_document(author)))
    (tmp_path / "config.yaml").write_text("post_hooks: []\n")
    generate = "generate --path openapi.json --config config.yaml --meta none --output-path made"
    subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *generate.split()],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    monkeypatch.syspath_prepend(tmp_path)
    made = import_module("made").Client(base_url=web.url).set_httpx_client(author)
    api, models = "made.api.posts.posts_", import_module("made.models")

    body = models.PostRequest(title="Made by a machine", tags=[tag])
    post = import_module(f"{api}create").sync(client=made, body=body)
    published = import_module(f"{api}publish_create").sync(client=made, slug=post.slug)
    (listed,) = import_module(f"{api}list").sync(client=made, tag=tag).results

    assert (post.status, published.status) == ("draft", "published")
    assert listed == published


class Document:
    """The description, by which it is found whether an answer is as described."""

    def __init__(self, content):
        self.content = content
        self.operations = {
            (method.upper(), path)
            for path, methods in content["paths"].items()
            for method in methods
        }
        self.seen = set()

    def check(self, response):
        method, path = response.request.method, response.request.url.path
        several = [
            (known, template)
            for known, template in self.operations
            if known == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
        ]
        operation = min(several, key=lambda each: each[1].count("{"))
        self.seen.add(operation)
        described = self.content["paths"][operation[1]][method.lower()]["responses"]
        described = self.resolve(described[str(response.status_code)])
        if not described.get("content"):
            assert response.content == b""
            return
        media_type = response.headers["Content-Type"].partition(";")[0]
        schema = described["content"][media_type]["schema"]
        body = response.json() if "json" in media_type else response.text
        jsonschema_rs.validate({**self.content, **schema}, body, validate_formats=True)

    def resolve(self, part):
        while "$ref" in part:
            _, *keys = part["$ref"].split("/")
            part = self.content
            for key in keys:
                part = part[key]
        return part


@pytest.fixture
def ask(author):
    """Sends a request, and checks its answer; `ask.document` remembers for which operations."""

    def ask(method, path, status, **options):
        response = author.request(method, path, **options)
        assert response.status_code == status, response.text
        ask.document.check(response)
        return response

    return ask


@pytest.mark.proof(
    claim="Every answer, also of an error, is one that the description has.", before=NO_DOCUMENT
)
def test_response__to_every_operation__fits_the_document(ask, author, comment, tag):
    ask.document = Document(read_document(author))

    for accept in ("application/json", "text/html"):
        ask("GET", "/", 200, headers={"Accept": accept})
    made = ask("POST", POSTS, 201, json={"title": "A", "body": "B", "tags": [tag, "日本"]})
    post = made.headers["Location"]
    comments = f"{post}comments/"
    todo = {"title": "C", "due_on": "2026-01-31", "post": made.json()["slug"]}
    todo = ask("POST", TODOS, 201, json=todo).headers["Location"]
    for path in (POSTS, TODOS, post, todo, comments, f"{POSTS}trending/"):
        known = ask("GET", path, 200).headers["ETag"]
        ask("GET", path, 304, headers={"If-None-Match": known})
        ask("GET", path, 406, headers={"Accept": "image/png"})
    for path in (POSTS, TODOS, comments):
        ask("GET", path, 400, params={"colour": "red"})
        ask("POST", path, 400, json={"colour": "red"})
        ask("POST", path, 413, content=b"x" * (1024 * 1024 + 1), headers=JSON)
        ask("POST", path, 415, content=b"x")
        ask("GET", path, 200, params={"page_size": 1})
    ask("GET", TODOS, 200, headers={"Accept": "text/csv"})
    ask("POST", comments, 409, json=comment)
    ask("POST", f"{post}publish/", 409)
    for path in (post, todo):
        ask("PATCH", path, 412, json={"title": "D"}, headers={"If-Match": '"stale"'})
        ask("PATCH", path, 200, json={"title": "D"})
        ask("PUT", path, 200, json={"title": "E"})
        ask("PUT", path, 400, json={})
    ask("POST", f"{post}publish/", 200)
    ask("PUT", todo, 409, json={"title": "F", "post": made.json()["slug"]})
    comment = ask("POST", comments, 201, json=comment).headers["Location"]
    ask("GET", comments, 200)
    for path in (comment, todo, post):
        ask("DELETE", path, 204)
        ask("DELETE", path, 404)
    for path in (todo, post, comments):
        ask("GET", path, 404)
    ask_for_accounts_and_tokens(ask, {"email": f"{tag}@example.com", "password": "quite a secret"})
    ask_for_an_export(ask)
    assert ask.document.seen == ask.document.operations


def ask_for_accounts_and_tokens(ask, credentials):
    ask("POST", f"{AUTH}register/", 202, json={**credentials, "name": "Ada"})
    ask("POST", f"{AUTH}register/", 400, json=credentials)
    ask("POST", f"{AUTH}token/", 401, json={**credentials, "password": "guessed"})
    first = ask("POST", f"{AUTH}token/", 200, json=credentials).json()
    tokens = ask("POST", f"{AUTH}token/refresh/", 200, json={"refresh": first["refresh"]}).json()
    bearer = {"Authorization": f"Bearer {tokens['access']}"}
    ask("GET", f"{AUTH}me/", 200, headers=bearer)
    ask("PATCH", f"{AUTH}me/", 200, headers=bearer, json={"name": "Ada Lovelace"})
    words = {"current": credentials["password"], "new": "another one entirely"}
    ask("POST", f"{AUTH}me/password/", 400, headers=bearer, json={**words, "current": "guessed"})
    ask("POST", f"{AUTH}me/password/", 204, headers=bearer, json=words)
    tokens = {**credentials, "password": words["new"]}
    bearer = {
        "Authorization": f"Bearer {ask('POST', f'{AUTH}token/', 200, json=tokens).json()['access']}"
    }
    ask("POST", f"{AUTH}logout/", 204, headers=bearer)
    ask("POST", f"{AUTH}token/refresh/", 401, json={"refresh": first["refresh"]})
    for headers in (bearer, {"Authorization": ""}):
        answer = ask("POST", POSTS, 401, headers=headers, json={"title": "A"})
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def ask_for_an_export(ask):
    url = ask("POST", EXPORTS, 202).headers["Location"]
    ask("GET", url, 200)
    ask("GET", EXPORTS, 200)
    ask("GET", f"{url}download/", 409, headers={"Accept": "application/zip"})
    ask("GET", f"{url}download/", 406, headers={"Accept": "image/png"})
    ask("GET", f"{EXPORTS}1000000/", 404)


def parameters(document, path):
    """What the list at this path can be filtered and sorted by: names with the values to try."""
    found = {}
    for parameter in document["paths"][path]["get"]["parameters"]:
        if parameter.get("in") == "query" and parameter["name"] not in ("cursor", "page_size"):
            found[parameter["name"]] = parameter["schema"].get("enum")
    return found


def everything(client, path, **params):
    """All that a list has, from the pages by three of it."""
    page = client.get(path, params={"page_size": 3, **params})
    found = []
    while True:
        assert page.status_code == 200, page.text
        found += page.json()["results"]
        if page.json()["next"] is None:
            return found
        page = client.get(page.json()["next"])


def assert_any_combine(client, path, document, samples, base):
    """Filters asked for together find what each finds, in the order asked for."""
    known = parameters(document, path)
    orderings = known.pop("ordering")
    choices = {name: [None, *(known[name] or samples[name])] for name in known if name not in base}
    alone = {
        (name, value): everything(client, path, **base, **{name: value})
        for name, values in choices.items()
        for value in values[1:]
    }
    for ordering in orderings:
        rows = everything(client, path, **base, ordering=ordering)
        for values in product(*choices.values()):
            chosen = {name: value for name, value in zip(choices, values, strict=True) if value}
            wanted = [row for row in rows if all(row in alone[each] for each in chosen.items())]
            assert everything(client, path, **base, ordering=ordering, **chosen) == wanted


@pytest.mark.proof(
    claim="Any filters and orderings that the description has combine.", before=NO_DOCUMENT
)
def test_filters_and_orderings__any_of_the_document__combine(author, new_post, new_todo, tag):
    for number in range(6):
        title = ["Quokka", "Wombat"][number % 2]
        slug = new_post(title=title, published=number > 2, tags=[tag, "ab"[number % 2]])["slug"]
        new_todo(post=slug, done=True)
    slug = new_post(title="Quokka")["slug"]
    for number in range(6):
        due_on = [None, "2026-01-01", "2026-01-02"][number % 3]
        new_todo(post=slug, title=f"{number}", done=number > 3, due_on=due_on)

    document = read_document(author)
    assert_any_combine(author, POSTS, document, {"q": ["quokka", "nothing"]}, {"tag": tag})
    days = {"due_before": ["2026-01-02", "2026-01-03"]}
    assert_any_combine(author, TODOS, document, days, {"post": slug})


@pytest.mark.guard(claim="Page links stay stable while rows arrive, whatever they are sorted by.")
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    ("path", "field"),
    [
        (POSTS, "created_at"),
        (POSTS, "published_at"),
        (POSTS, "title"),
        (TODOS, "created_at"),
        (TODOS, "due_on"),
    ],
)
def test_pages__rows_arrive_meanwhile__neither_repeat_nor_skip(
    author, new_post, new_todo, tag, path, field, sign
):
    slug = new_post(tags=[])["slug"]

    def add(number):
        if path == POSTS:
            return new_post(title="AB"[number % 2], published=number % 3 > 0)
        return new_todo(post=slug, due_on=[None, "2026-01-01", "2026-01-02"][number % 3])

    for number in range(9):
        add(number)
    mine = {"tag": tag} if path == POSTS else {"post": slug}
    params = {**mine, "ordering": sign + field, "page_size": 100}
    rows = author.get(path, params=params).json()["results"]
    values = [row[field] for row in rows if row.get(field)]
    assert values == sorted(values, reverse=bool(sign))
    assert all(row.get(field) is None for row in rows[len(values) :])

    pages = [author.get(path, params={**params, "page_size": 2}).json()]
    while pages[-1]["next"]:
        add(len(pages))
        pages.append(author.get(pages[-1]["next"]).json())
    back = [pages[-1]]
    while back[-1]["previous"]:
        back.append(author.get(back[-1]["previous"]).json())

    for way in (pages, back[::-1]):
        seen = [row for page in way for row in page["results"]]
        assert [row for row in seen if row in rows] == rows
        assert len({json.dumps(row) for row in seen}) == len(seen)


@pytest.mark.guard(claim="A request costs no more queries than on the stage before.")
def test_queries__of_each_read__do_not_rise(
    author, comment, new_post, new_todo, tag, django_assert_num_queries
):
    for _ in range(3):
        post = f"{POSTS}{new_post(tags=[tag, 'a', 'b'], published=True)['slug']}/"
        new_todo(post=post.split("/")[-2], done=True)
        author.post(f"{post}comments/", json=comment)

    budget = {
        f"{POSTS}?tag={tag}": 1,
        post: 1,
        TODOS: 2,  # whose token it is, the to-dos
        f"{post}comments/": 2,  # the post, its comments
    }
    for path, queries in budget.items():
        headers = dict(author.headers) if path == TODOS else {}
        with django_assert_num_queries(queries):
            assert Client(headers=headers).get(path).status_code == 200
