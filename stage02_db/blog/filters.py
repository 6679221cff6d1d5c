from collections.abc import Mapping
from typing import Any

from blog.models import Post, PostQuerySet
from blog.serializers import tag
from config.validation import Field, choice, text

POST_PARAMETERS = {
    "tag": Field(tag),
    "q": Field(text(max_length=200)),
    "status": Field(choice(Post.DRAFT, Post.PUBLISHED)),
}


def filter_posts(query: Mapping[str, Any]) -> PostQuerySet:
    """The posts that fit every parameter of `query`."""
    posts = Post.objects.with_details()
    if query["tag"] is not None:
        posts = posts.tagged(query["tag"])
    if query["q"] is not None:
        posts = posts.matching(query["q"])
    if query["status"] is not None:
        posts = posts.in_status(query["status"])
    return posts
