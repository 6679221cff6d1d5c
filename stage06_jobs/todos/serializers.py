"""To-dos as JSON: what a client may send, and what it gets."""

from typing import Any

from rest_framework import serializers

from blog.models import Post
from config.serializers import CalendarDate, Flag, StrictSerializer, Text
from todos.models import Todo


class PostField(serializers.SlugRelatedField[Post]):
    """The slug of a post."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="slug", queryset=Post.objects.defer("body", "search"), **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data == "":  # which DRF takes for null
            self.fail("does_not_exist", slug_name="slug", value=data)
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> Post:
        post = super().to_internal_value(Text(max_length=80).run_validation(data))
        if not post.may_be_changed_by(self.context["request"].user):
            # Whether there is such a draft is nobody else's business.
            self.fail("does_not_exist", slug_name="slug", value=data)
        return post


class TodoSerializer(StrictSerializer):
    """Something to do: on its own, or on the checklist of the post with that slug."""

    url = serializers.URLField(read_only=True)
    id = serializers.IntegerField(read_only=True)
    title = Text(max_length=200)
    description = Text(max_length=10_000, allow_blank=True, default="")
    done = Flag(default=False)
    due_on = CalendarDate(allow_null=True, default=None)
    post = PostField(allow_null=True, default=None)

    def to_representation(self, todo: Todo) -> dict[str, Any]:
        return {
            "url": f"{self.list_url}{todo.id}/",
            "id": todo.id,
            "title": todo.title,
            "description": todo.description,
            "done": todo.done,
            "due_on": todo.due_on,
            "post": todo.post_slug,
        }
