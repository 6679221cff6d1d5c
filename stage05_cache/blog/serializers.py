"""Posts and comments as JSON: what a client may send, and what it gets."""

import re
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from blog.models import Post
from config.serializers import StrictSerializer, Text

MAX_TAGS = 20


class TagField(Text):
    pattern = r"^[\p{L}\p{N}_-]+$"  # which is what \w means to Python, and not to all others
    default_error_messages = {"tag": "Must hold letters, digits, hyphens and underscores only."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not re.fullmatch(r"[\w-]+", name):
            self.fail("tag")
        # One letter, İ, becomes two characters, and the second, a dot above, is no letter.
        return name.lower().replace("\u0307", "")


class TagsField(serializers.ListField):
    child = TagField()

    def to_internal_value(self, data: Any) -> list[str]:
        # The validator of the length counts what is left when each tag is there once.
        if not isinstance(data, list) or len(data) > MAX_TAGS:
            raise ValidationError(f"Must be a list of at most {MAX_TAGS} tags.")
        return sorted({self.child.run_validation(name) for name in data})


class PostSerializer(StrictSerializer):
    """A post; `actions` has what can be done with it as it is, each with the URL to POST to."""

    url = serializers.URLField(read_only=True)
    slug = serializers.SlugField(read_only=True)
    author = serializers.CharField(read_only=True)
    title = Text(max_length=200)
    body = Text(max_length=100_000, allow_blank=True, default="")
    tags = TagsField(default=list, max_length=MAX_TAGS)
    status = serializers.ChoiceField([Post.DRAFT, Post.PUBLISHED], read_only=True)
    open_todos = serializers.IntegerField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
    published_at = serializers.DateTimeField(read_only=True, allow_null=True)
    actions = serializers.DictField(child=serializers.URLField(), read_only=True)

    def to_representation(self, post: Post) -> dict[str, Any]:
        # Asking every field for its value would cost a list more than its query.
        url = f"{self.list_url}{post.slug}/"
        publishable = post.status == Post.DRAFT and not post.open_todos
        publishable = publishable and post.may_be_changed_by(self.context["request"].user)
        return {
            "url": url,
            "slug": post.slug,
            "author": post.author_name,
            "title": post.title,
            "body": post.body,
            "tags": post.tags,
            "status": post.status,
            "open_todos": post.open_todos,
            "created_at": post.created_at,
            "updated_at": post.updated_at,
            "published_at": post.published_at,
            "actions": {"publish": f"{url}publish/"} if publishable else {},
        }


class CommentSerializer(StrictSerializer):
    """What a reader says about a published post."""

    url = serializers.HyperlinkedIdentityField("comment-detail")
    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(read_only=True)
    body = Text(max_length=10_000)
    created_at = serializers.DateTimeField(read_only=True)
