"""What the SQL layer is for: each proof fails on the stage before, for the reason it names."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

POSTS, TODOS = "/api/v1/posts/", "/api/v1/todos/"
RACES = int(os.environ.get("RACES", "20"))


@pytest.mark.proof(claim="Posts outlive a restart of the service.", before="assert 404 == 200")
def test_post__service_restarted__is_still_there(start_web):
    web = start_web()
    with web.author() as author:
        slug = author.post(POSTS, json={"title": "Durable"}).json()["slug"]

    web.stop()
    web.start()

    with web.author() as author:
        assert author.get(f"{POSTS}{slug}/").status_code == 200


@pytest.mark.proof(claim="Two web processes show the same posts.", before="assert 404 == 200")
def test_post__written_to_one_process__is_read_from_another(author, elsewhere):
    slug = author.post(POSTS, json={"title": "Shared"}).json()["slug"]

    with elsewhere.author() as other:
        assert other.get(f"{POSTS}{slug}/").status_code == 200


@pytest.mark.proof(
    claim="A publish racing a new to-do on another process keeps the rule.",
    before=r"\[200, 400\]",
)
def test_publish__racing_a_new_todo_on_another_process__keeps_the_rule(author, elsewhere, new_post):
    with elsewhere.author() as other, ThreadPoolExecutor(2) as pool:
        for _ in range(RACES):
            slug = new_post()["slug"]
            todo = {"title": "Late", "post": slug}
            racers = [
                pool.submit(author.post, f"{POSTS}{slug}/publish/"),
                pool.submit(other.post, TODOS, json=todo),
            ]
            statuses = sorted(racer.result().status_code for racer in racers)
            assert statuses in ([200, 409], [201, 409])
            post = author.get(f"{POSTS}{slug}/").json()
            assert (post["status"], post["open_todos"]) in [("published", 0), ("draft", 1)]


@pytest.mark.proof(
    claim="Fifty posts of one title, written through two processes at once, get fifty slugs.",
    before=r"assert \d+ == 50",
)
def test_slug__one_title_through_two_processes__fifty_of_fifty(crowd, elsewhere, tag):
    writers = crowd(25) + crowd(25, at=elsewhere)

    with ThreadPoolExecutor(50) as pool:
        posts = list(pool.map(lambda writer: writer.post(POSTS, json={"title": tag}), writers))

    assert len({post.json()["slug"] for post in posts}) == 50
