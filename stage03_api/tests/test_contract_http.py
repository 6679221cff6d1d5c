"""What HTTP promises of every resource: the same file, and the same answers, in every stage."""

from concurrent.futures import ThreadPoolExecutor

import pytest

POSTS = "/api/v1/posts/"


def test_service_document__by_accept__is_json_or_html(client):
    as_json = client.get("/", headers={"Accept": "application/json"})
    as_html = client.get("/", headers={"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"})

    assert as_json.headers["Content-Type"] == "application/json"
    assert client.get(as_json.json()["posts"]).status_code == 200
    assert as_html.headers["Content-Type"].startswith("text/html")
    assert as_json.json()["todos"] in as_html.text
    for response in (as_json, as_html):
        assert "Accept" in response.headers["Vary"]


def test_service_document__no_accept__is_json(client):
    assert client.get("/", headers={"Accept": "*/*"}).json()["posts"].endswith(POSTS)


@pytest.mark.parametrize("path", ["/", POSTS, "/api/v1/todos/"])
def test_accept__nothing_we_have__is_406(author, problem, path):
    problem(author.get(path, headers={"Accept": "image/png"}), 406)
    problem(author.get(path, headers={"Accept": "application/json;q=0"}), 406)


def test_target__a_whole_url__is_its_path(client, new_post, problem):
    for _ in range(2):
        new_post(published=True)
    base = str(client.base_url).rstrip("/")
    found, lost = (
        client.get("/", extensions={"target": f"{base}{path}?page_size=1".encode()})
        for path in (POSTS, "/nowhere")
    )

    assert found.json()["next"].startswith(f"{base}{POSTS}?")
    problem(lost, 404)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/v1/", "/api/v1/posts", "/api/v2/posts/", "/%00"]
)
def test_path__unknown__is_404(client, problem, path):
    problem(client.get(path), 404)
    problem(client.post(path, json={}), 404)


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        ("/", "DELETE", {"GET", "HEAD", "OPTIONS"}),
        (POSTS, "PUT", {"GET", "HEAD", "POST", "OPTIONS"}),
        (f"{POSTS}{{slug}}/", "POST", {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
        (f"{POSTS}{{slug}}/publish/", "GET", {"POST", "OPTIONS"}),
        (f"{POSTS}{{slug}}/comments/", "DELETE", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/api/v1/comments/1/", "GET", {"DELETE", "OPTIONS"}),
        ("/api/v1/todos/", "PATCH", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/api/v1/todos/1/", "POST", {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
        (POSTS, "BREW", {"GET", "HEAD", "POST", "OPTIONS"}),
    ],
)
def test_method__not_allowed__is_405_with_allow(author, new_post, problem, path, method, allow):
    path = path.format(slug=new_post()["slug"])

    response = author.request(method, path)
    options = author.options(path)

    problem(response, 405)
    assert set(response.headers["Allow"].split(", ")) == allow
    assert options.status_code == 200
    assert set(options.headers["Allow"].split(", ")) == allow


@pytest.mark.parametrize("path", ["/", POSTS, f"{POSTS}{{slug}}/"])
def test_head__like_get__without_the_body(client, new_post, path):
    path = path.format(slug=new_post(published=True)["slug"])

    get, head = client.get(path), client.head(path)

    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "ETag"):
        assert head.headers[name] == get.headers[name]


def test_etag__of_a_post__is_strong_and_changes_with_it(author, new_post, new_todo):
    post = new_post()
    url = f"{POSTS}{post['slug']}/"

    tags = [author.get(url).headers["ETag"], author.get(url).headers["ETag"]]
    author.patch(url, json={"body": "Other"})
    tags.append(author.get(url).headers["ETag"])
    new_todo(post=post["slug"])
    tags.append(author.get(url).headers["ETag"])

    assert tags[0] == tags[1]
    assert len(set(tags)) == 3
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


@pytest.mark.parametrize("form", ["{}", '"other", {}', "W/{}", "*"])
def test_if_none_match__still_holds__is_304_without_body(client, new_post, form):
    url = f"{POSTS}{new_post(published=True)['slug']}/"
    tag = client.get(url).headers["ETag"]

    response = client.get(url, headers={"If-None-Match": form.format(tag)})

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == tag
    assert client.head(url, headers={"If-None-Match": tag}).status_code == 304


def test_if_none_match__another_tag__is_200(client, new_post):
    url = f"{POSTS}{new_post(published=True)['slug']}/"

    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match__no_longer_holds__is_412_and_changes_nothing(author, new_post, problem, method):
    url = f"{POSTS}{new_post()['slug']}/"
    stale = author.get(url).headers["ETag"]
    changed = author.patch(url, json={"body": "Meanwhile"}).json()

    for tag in (stale, f"W/{author.get(url).headers['ETag']}"):
        body = None if method == "DELETE" else {"title": "Lost"}
        problem(author.request(method, url, json=body, headers={"If-Match": tag}), 412)

    assert author.get(url).json() == changed


def test_if_match__no_longer_holds__publishes_nothing(author, new_post, problem):
    url = f"{POSTS}{new_post()['slug']}/"
    stale = {"If-Match": author.get(url).headers["ETag"]}
    author.patch(url, json={"body": "Meanwhile"})

    problem(author.post(f"{url}publish/", headers=stale), 412)
    problem(author.post(f"{url}publish/", headers={"If-Match": "no-quotes"}), 400)
    assert author.get(url).json()["status"] == "draft"

    current = {"If-Match": author.get(url).headers["ETag"]}
    assert author.post(f"{url}publish/", headers=current).json()["status"] == "published"


def test_if_match__no_longer_holds__refuses_a_read_too(client, problem, new_post):
    url = f"{POSTS}{new_post(published=True)['slug']}/"

    problem(client.get(url, headers={"If-Match": '"other"'}), 412)


def test_if_unmodified_since__no_date_to_compare__is_ignored(author, new_post):
    url = f"{POSTS}{new_post()['slug']}/"
    long_ago = {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}

    assert author.get(url, headers=long_ago).status_code == 200
    assert author.patch(url, json={"body": "Mine"}, headers=long_ago).status_code == 200


@pytest.mark.parametrize("form", ["{}", '"other", {}', "*"])
def test_if_match__holds__writes(author, new_post, form):
    url = f"{POSTS}{new_post()['slug']}/"
    if_match = form.format(author.get(url).headers["ETag"])

    response = author.patch(url, json={"body": "Mine"}, headers={"If-Match": if_match})

    assert response.status_code == 200
    assert response.headers["ETag"] == author.get(url).headers["ETag"]


def test_if_match__unreadable__does_not_write(author, new_post, problem):
    url = f"{POSTS}{new_post()['slug']}/"

    problem(author.patch(url, json={"body": "Lost"}, headers={"If-Match": "no-quotes"}), 400)

    assert author.get(url).json()["body"] == ""


def test_if_match__two_writers_with_one_tag__exactly_one_is_refused(author, crowd, new_post):
    url = f"{POSTS}{new_post()['slug']}/"
    authors = crowd(2)

    with ThreadPoolExecutor(2) as pool:
        for n in range(20):
            headers = {"If-Match": author.get(url).headers["ETag"]}
            racers = [
                pool.submit(one.patch, url, json={"body": f"{n} {m}"}, headers=headers)
                for m, one in enumerate(authors)
            ]
            assert sorted(racer.result().status_code for racer in racers) == [200, 412]


def test_put__answer__carries_no_tag(author, new_post):
    response = author.put(f"{POSTS}{new_post()['slug']}/", json={"title": "Replaced"})

    assert "ETag" not in response.headers


def test_request_id__sane__is_returned(client):
    response = client.get("/", headers={"X-Request-ID": "trace-0123.abc"})

    assert response.headers["X-Request-ID"] == "trace-0123.abc"


@pytest.mark.parametrize(
    "given", ["", "short", "a b c d e f g h", "x" * 200, "évil-évil", "a;drop"]
)
def test_request_id__missing_or_not_sane__is_made(client, given):
    ids = {
        client.get("/", headers={"X-Request-ID": given.encode()}).headers["X-Request-ID"]
        for _ in range(2)
    }

    assert len(ids) == 2
    assert given not in ids


def test_request_id__of_an_error__is_there_too(client):
    response = client.get("/nowhere", headers={"X-Request-ID": "lost-and-found"})

    assert response.headers["X-Request-ID"] == "lost-and-found"


def test_host__unknown__is_400_and_stores_nothing(author, problem, tag):
    unknown = {"Host": "evil.example"}

    problem(author.get(POSTS, params={"tag": tag}, headers=unknown), 400)
    problem(author.post(POSTS, json={"title": "A", "tags": [tag]}, headers=unknown), 400)

    assert author.get(POSTS, params={"tag": tag}).json()["results"] == []
