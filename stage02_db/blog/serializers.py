"""Posts and comments as JSON: what a client may send, and what it gets."""

import re
from typing import Any

from blog.models import Comment, Post
from config.validation import Field, text

MAX_TAGS = 20


def tag(value: Any) -> str:
    name = text(max_length=40)(value).lower()
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError("Must hold letters, digits, hyphens and underscores only.")
    return name


def tags(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_TAGS:
        raise ValueError(f"Must be a list of at most {MAX_TAGS} tags.")
    return sorted({tag(name) for name in value})


POST_FIELDS = {
    "title": Field(text(max_length=200), required=True),
    "body": Field(text(max_length=100_000, blank=True), default=""),
    "tags": Field(tags, default=[]),
}

COMMENT_FIELDS = {
    "name": Field(text(max_length=100), required=True),
    "body": Field(text(max_length=10_000), required=True),
}


def represent_post(post: Post) -> dict[str, object]:
    return {
        "slug": post.slug,
        "title": post.title,
        "body": post.body,
        "tags": post.tags,
        "status": post.status,
        "open_todos": post.open_todos,
        "created_at": post.created_at,
        "updated_at": post.updated_at,
        "published_at": post.published_at,
    }


def represent_comment(comment: Comment) -> dict[str, object]:
    return {
        "id": comment.id,
        "name": comment.name,
        "body": comment.body,
        "created_at": comment.created_at,
    }
