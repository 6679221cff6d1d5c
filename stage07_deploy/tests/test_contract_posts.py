"""The contract of posts: the same file, and the same answers, in every stage."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

POSTS = "/api/v1/posts/"
RACES = int(os.environ.get("RACES", "20"))


def test_post__created__answers_with_its_fields_and_location(author, tag):
    response = author.post(POSTS, json={"title": "Grüße, 世界 🌍", "body": "# Hi\n", "tags": [tag]})

    assert response.status_code == 201
    post = response.json()
    assert post["title"] == "Grüße, 世界 🌍"
    assert post["body"] == "# Hi\n"
    assert post["tags"] == [tag]
    assert post["status"] == "draft"
    assert post["open_todos"] == 0
    assert post["published_at"] is None
    assert author.get(response.headers["Location"]).json() == post
    assert response.headers["Location"].endswith(f"{POSTS}{post['slug']}/")


def test_post__created__times_are_utc_now(new_post):
    post = new_post()

    for name in ("created_at", "updated_at"):
        assert post[name].endswith("Z")
        assert abs(datetime.now(UTC) - datetime.fromisoformat(post[name])) < timedelta(minutes=1)


@pytest.mark.parametrize("rest", [{}, {"body": "", "tags": []}])
def test_post__title_only__gets_defaults(author, rest):
    post = author.post(POSTS, json={"title": "Only a title", **rest}).json()

    assert (post["body"], post["tags"]) == ("", [])


def test_post__tags__are_lower_case_sorted_and_once(new_post):
    assert new_post(tags=["b", "A", "a", "日本"])["tags"] == ["a", "b", "日本"]


def test_slug__of_a_title__is_readable(new_post, tag):
    assert new_post(title=f"Hello, World {tag}!")["slug"] == f"hello-world-{tag}"


@pytest.mark.parametrize("title", ["世界", "?!", "-"])
def test_slug__of_a_title_without_latin_letters__is_made_up(author, new_post, title):
    post = new_post(title=title)

    assert re.fullmatch(r"[a-z0-9-]+", post["slug"])
    assert author.get(f"{POSTS}{post['slug']}/").json()["title"] == title


def test_slug__of_a_taken_title__is_another(new_post, tag):
    first, second = new_post(title=tag), new_post(title=tag)

    assert first["slug"] == tag
    assert second["slug"] != tag
    assert second["slug"].startswith(tag)


def test_slug__title_changed__stays(author, new_post):
    post = new_post()

    changed = author.patch(f"{POSTS}{post['slug']}/", json={"title": "Another title"}).json()

    assert (changed["title"], changed["slug"]) == ("Another title", post["slug"])


def test_slug__fifty_posts_of_one_title_at_once__are_fifty(crowd, tag):
    authors = crowd(50)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda author: author.post(POSTS, json={"title": tag}), authors))

    assert [answer.status_code for answer in answers] == [201] * 50
    assert len({answer.json()["slug"] for answer in answers}) == 50


def test_post__put__replaces_every_field(author, new_post, tag):
    post = new_post(body="Old", tags=[tag, "old"])

    response = author.put(f"{POSTS}{post['slug']}/", json={"title": "New", "tags": [tag]})

    assert response.status_code == 200
    assert response.json() == post | {
        "title": "New",
        "body": "",
        "tags": [tag],
        "updated_at": response.json()["updated_at"],
    }
    assert response.json()["updated_at"] > post["updated_at"]
    assert author.get(f"{POSTS}{post['slug']}/").json() == response.json()


def test_post__patch__changes_only_what_is_sent(author, new_post):
    post = new_post(body="Old")

    response = author.patch(f"{POSTS}{post['slug']}/", json={"body": "New"})

    assert response.json() == post | {
        "body": "New",
        "updated_at": response.json()["updated_at"],
    }


def test_post__deleted__takes_its_checklist_along(author, new_post, new_todo, problem):
    post = new_post()
    todo = new_todo(post=post["slug"])

    response = author.delete(f"{POSTS}{post['slug']}/")

    assert (response.status_code, response.content) == (204, b"")
    problem(author.get(f"{POSTS}{post['slug']}/"), 404)
    problem(author.get(f"/api/v1/todos/{todo['id']}/"), 404)
    problem(author.delete(f"{POSTS}{post['slug']}/"), 404)


def test_list__newest_first__by_pages(author, new_post, tag):
    slugs = [new_post()["slug"] for _ in range(5)]

    seen, url = [], f"{POSTS}?tag={tag}&page_size=2"
    while url:
        page = author.get(url).json()
        seen += [post["slug"] for post in page["results"]]
        url = page["next"]

    assert seen == slugs[::-1]


def test_list__previous__leads_back_the_same_way(author, new_post, tag):
    for _ in range(5):
        new_post()

    pages = [author.get(f"{POSTS}?tag={tag}&page_size=2").json()]
    while pages[-1]["next"]:
        pages.append(author.get(pages[-1]["next"]).json())
    back = [pages[-1]]
    while back[-1]["previous"]:
        back.append(author.get(back[-1]["previous"]).json())

    assert [len(page["results"]) for page in pages] == [2, 2, 1]
    assert [page["results"] for page in back] == [page["results"] for page in pages[::-1]]
    assert pages[0]["previous"] is None
    assert back[-1]["next"]


def test_list__posts_added_meanwhile__pages_neither_repeat_nor_skip(author, new_post, tag):
    slugs = [new_post()["slug"] for _ in range(4)]
    first = author.get(f"{POSTS}?tag={tag}&page_size=2").json()

    newer = new_post()["slug"]
    second = author.get(first["next"]).json()

    assert [post["slug"] for post in first["results"] + second["results"]] == slugs[::-1]
    back = author.get(second["previous"]).json()
    assert back["results"] == first["results"]
    assert [post["slug"] for post in author.get(back["previous"]).json()["results"]] == [newer]


def test_list__post_of_the_cursor_deleted__goes_on(author, new_post, tag):
    slugs = [new_post()["slug"] for _ in range(3)]
    first = author.get(f"{POSTS}?tag={tag}&page_size=1").json()

    author.delete(f"{POSTS}{slugs[2]}/")

    assert author.get(first["next"]).json()["results"][0]["slug"] == slugs[1]


def test_list__same_shape_as_detail(author, new_post, new_todo, tag):
    post = new_post()
    new_todo(post=post["slug"])

    (listed,) = author.get(f"{POSTS}?tag={tag}").json()["results"]

    assert listed == author.get(f"{POSTS}{post['slug']}/").json()
    assert listed["open_todos"] == 1


def test_list__page_size__from_1_to_100(author, new_post, tag):
    for _ in range(3):
        new_post()

    assert len(author.get(f"{POSTS}?tag={tag}&page_size=1").json()["results"]) == 1
    assert len(author.get(f"{POSTS}?tag={tag}&page_size=100").json()["results"]) == 3


def test_filter__status__draft_or_published(author, new_post, tag):
    draft, published = new_post(), new_post(published=True)

    for status, post in (("draft", draft), ("published", published)):
        found = author.get(f"{POSTS}?tag={tag}&status={status}").json()["results"]
        assert [found["slug"] for found in found] == [post["slug"]]


def test_filter__q__finds_words_of_title_and_body_in_any_case(author, new_post, tag):
    word = f"zq{tag[-8:]}"
    by_title, by_body = new_post(title=f"About {word}"), new_post(body=f"More on {word.upper()}.")
    new_post(title="About nothing")

    found = author.get(POSTS, params={"q": word}).json()["results"]

    assert [post["slug"] for post in found] == [by_body["slug"], by_title["slug"]]


def test_filter__no_match__is_an_empty_page(author, tag):
    assert author.get(f"{POSTS}?tag={tag}").json() == {
        "next": None,
        "previous": None,
        "results": [],
    }


def test_filters__together__all_hold(author, new_post, tag):
    post = new_post(title="Quokka", published=True)
    new_post(title="Quokka")
    new_post(published=True)

    params = {"tag": tag.upper(), "q": "quokka", "status": "published"}
    found = author.get(POSTS, params=params).json()["results"]

    assert [found["slug"] for found in found] == [post["slug"]]


def test_publish__draft__is_published_now(author, new_post):
    post = new_post()

    response = author.post(f"{POSTS}{post['slug']}/publish/")

    assert response.status_code == 200
    published = response.json()
    assert published["status"] == "published"
    at = datetime.fromisoformat(published["published_at"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert author.get(f"{POSTS}{post['slug']}/").json() == published


def test_publish__twice__changes_nothing(author, new_post):
    post = new_post(published=True)

    again = author.post(f"{POSTS}{post['slug']}/publish/")

    assert (again.status_code, again.json()) == (200, post)


def test_publish__open_todo__is_a_conflict_until_it_is_done(author, new_post, new_todo, problem):
    post = new_post()
    todo = new_todo(post=post["slug"])

    problem(author.post(f"{POSTS}{post['slug']}/publish/"), 409)
    assert author.get(f"{POSTS}{post['slug']}/").json()["status"] == "draft"
    author.patch(f"/api/v1/todos/{todo['id']}/", json={"done": True})

    assert author.post(f"{POSTS}{post['slug']}/publish/").status_code == 200


def test_publish__racing_a_new_todo__keeps_the_rule(crowd, author, new_post):
    one, other = crowd(2)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(RACES):
            url = f"{POSTS}{new_post()['slug']}/"
            todo = {"title": "Late", "post": url.split("/")[-2]}
            racers = [
                pool.submit(one.post, f"{url}publish/"),
                pool.submit(other.post, "/api/v1/todos/", json=todo),
            ]
            assert sorted(racer.result().status_code for racer in racers) in (
                [200, 409],
                [201, 409],
            )
            post = author.get(url).json()
            assert (post["status"], post["open_todos"]) in [("published", 0), ("draft", 1)]


def test_reader__published_post__needs_nobody_to_know_him(client, new_post, tag):
    post = new_post(published=True)

    assert client.get(f"{POSTS}{post['slug']}/").json()["title"] == post["title"]
    assert len(client.get(f"{POSTS}?tag={tag}").json()["results"]) == 1
