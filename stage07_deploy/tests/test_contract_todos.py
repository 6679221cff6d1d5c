"""The contract of to-dos: the same file, and the same answers, in every stage."""

from concurrent.futures import ThreadPoolExecutor

import pytest

TODOS = "/api/v1/todos/"


def test_todo__on_its_own__answers_with_its_fields_and_location(author):
    sent = {"title": "Water the plants", "description": "All 🌱", "due_on": "2026-02-28"}

    response = author.post(TODOS, json=sent)

    assert response.status_code == 201
    todo = response.json()
    assert todo.items() >= {**sent, "done": False, "post": None}.items()
    assert author.get(response.headers["Location"]).json() == todo
    assert response.headers["Location"].endswith(f"{TODOS}{todo['id']}/")


def test_todo__on_a_checklist__counts_while_it_is_open(author, new_post, new_todo):
    post = new_post()

    def open_todos() -> int:
        return author.get(f"/api/v1/posts/{post['slug']}/").json()["open_todos"]

    todo = new_todo(post=post["slug"])
    new_todo(post=post["slug"], done=True)
    assert (todo["post"], open_todos()) == (post["slug"], 1)

    author.patch(f"{TODOS}{todo['id']}/", json={"done": True})
    assert open_todos() == 0


def test_todo__put__replaces_every_field(author, new_todo, new_post):
    todo = new_todo(description="Old", due_on="2026-01-01", post=new_post()["slug"], done=True)

    response = author.put(f"{TODOS}{todo['id']}/", json={"title": "New"})

    replaced = {"title": "New", "description": "", "done": False, "due_on": None, "post": None}
    assert response.json() == todo | replaced
    assert author.get(f"{TODOS}{todo['id']}/").json() == response.json()


def test_todo__patch__changes_only_what_is_sent(author, new_todo):
    todo = new_todo(due_on="2026-01-01")

    response = author.patch(f"{TODOS}{todo['id']}/", json={"done": True})

    assert response.json() == todo | {"done": True}


def test_todo__moved_to_another_post__changes_both_counts(author, new_post, new_todo):
    one, other = new_post(), new_post()
    todo = new_todo(post=one["slug"])

    author.patch(f"{TODOS}{todo['id']}/", json={"post": other["slug"]})

    counts = [
        author.get(f"/api/v1/posts/{post['slug']}/").json()["open_todos"] for post in (one, other)
    ]
    assert counts == [0, 1]


def test_todo__deleted__is_gone(author, new_todo, problem):
    todo = new_todo()

    response = author.delete(f"{TODOS}{todo['id']}/")

    assert (response.status_code, response.content) == (204, b"")
    problem(author.get(f"{TODOS}{todo['id']}/"), 404)
    problem(author.delete(f"{TODOS}{todo['id']}/"), 404)


def test_todo__open_on_a_published_post__is_a_conflict(author, new_post, new_todo, problem):
    post = new_post(published=True)
    done = new_todo(post=post["slug"], done=True)
    elsewhere = new_todo()

    problem(author.post(TODOS, json={"title": "Late", "post": post["slug"]}), 409)
    problem(author.patch(f"{TODOS}{done['id']}/", json={"done": False}), 409)
    problem(author.patch(f"{TODOS}{elsewhere['id']}/", json={"post": post["slug"]}), 409)

    assert author.get(f"/api/v1/posts/{post['slug']}/").json()["open_todos"] == 0


def test_todos__of_a_post__are_newest_first_by_pages(author, new_post, new_todo):
    slug = new_post()["slug"]
    ids = [new_todo(post=slug)["id"] for _ in range(3)]

    first = author.get(TODOS, params={"post": slug, "page_size": 2}).json()
    second = author.get(first["next"]).json()
    back = author.get(second["previous"]).json()

    assert [todo["id"] for todo in first["results"] + second["results"]] == ids[::-1]
    assert (first["previous"], second["next"]) == (None, None)
    assert back["results"] == first["results"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"done": "true"}, ["done"]),
        ({"done": "false"}, ["late", "soon"]),
        ({"due_before": "2026-01-02"}, ["soon"]),
        ({"due_before": "2026-01-01"}, []),
        ({"done": "false", "due_before": "2026-12-31"}, ["late", "soon"]),
    ],
)
def test_filter__by_value__finds_what_fits(author, new_post, new_todo, filters, found):
    slug = new_post()["slug"]
    new_todo(title="soon", post=slug, due_on="2026-01-01")
    new_todo(title="late", post=slug, due_on="2026-06-01")
    new_todo(title="done", post=slug, done=True)

    todos = author.get(TODOS, params={"post": slug, **filters}).json()["results"]

    assert [todo["title"] for todo in todos] == found


def test_filter__unknown_post__is_an_empty_page(author):
    assert author.get(TODOS, params={"post": "nowhere"}).json()["results"] == []


def test_todo__two_writers_with_one_tag__exactly_one_is_refused(author, crowd, new_todo):
    todo = f"{TODOS}{new_todo()['id']}/"
    authors = crowd(2)

    with ThreadPoolExecutor(2) as pool:
        for n in range(20):
            headers = {"If-Match": author.get(todo).headers["ETag"]}
            racers = [
                pool.submit(one.patch, todo, json={"title": f"{n} {m}"}, headers=headers)
                for m, one in enumerate(authors)
            ]
            assert sorted(racer.result().status_code for racer in racers) == [200, 412]
