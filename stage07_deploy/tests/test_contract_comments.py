"""The contract of comments: the same file, and the same answers, in every stage."""

from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def comments(new_post):
    return f"/api/v1/posts/{new_post(published=True)['slug']}/comments/"


def test_comment__on_a_published_post__is_listed(author, client, comments, comment):
    response = author.post(comments, json=comment)

    assert response.status_code == 201
    created = response.json()
    assert created["body"] == comment["body"]
    assert created["name"]
    at = datetime.fromisoformat(created["created_at"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert client.get(comments).json()["results"] == [created]
    assert response.headers["Location"].endswith(f"/api/v1/comments/{created['id']}/")


def test_comments__of_a_post__are_newest_first_by_pages(author, client, comments, comment):
    ids = [author.post(comments, json=comment).json()["id"] for _ in range(3)]

    first = client.get(comments, params={"page_size": 2}).json()
    second = client.get(first["next"]).json()

    assert [found["id"] for found in first["results"] + second["results"]] == ids[::-1]
    assert second["next"] is None


def test_comments__of_another_post__are_not_listed(author, client, comments, comment, new_post):
    author.post(comments, json=comment)

    other = f"/api/v1/posts/{new_post(published=True)['slug']}/comments/"

    assert client.get(other).json()["results"] == []


def test_comment__on_a_draft__is_a_conflict(author, comment, new_post, problem):
    comments = f"/api/v1/posts/{new_post()['slug']}/comments/"

    problem(author.post(comments, json=comment), 409)

    assert author.get(comments).json()["results"] == []


def test_comment__on_no_post__is_not_found(author, comment, problem):
    problem(author.post("/api/v1/posts/nowhere/comments/", json=comment), 404)
    problem(author.get("/api/v1/posts/nowhere/comments/"), 404)


def test_comment__deleted__is_gone(author, client, comments, comment, problem):
    created = author.post(comments, json=comment).json()

    response = author.delete(f"/api/v1/comments/{created['id']}/")

    assert (response.status_code, response.content) == (204, b"")
    assert client.get(comments).json()["results"] == []
    problem(author.delete(f"/api/v1/comments/{created['id']}/"), 404)


def test_comments__post_deleted__are_gone(author, client, comment, new_post, problem):
    post = new_post(published=True)
    comments = f"/api/v1/posts/{post['slug']}/comments/"
    created = author.post(comments, json=comment).json()

    author.delete(f"/api/v1/posts/{post['slug']}/")

    problem(client.get(comments), 404)
    problem(author.delete(f"/api/v1/comments/{created['id']}/"), 404)
