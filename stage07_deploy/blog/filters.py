from django_filters import FilterSet
from rest_framework.serializers import ChoiceField

from blog.models import Post, PostQuerySet
from blog.serializers import TagField
from config.filters import Ordering, Parameter
from config.serializers import Text


class PostFilters(FilterSet):
    tag = Parameter(TagField(), method="by_tag")
    q = Parameter(Text(max_length=200, help_text="Words of title or body."), method="by_words")
    status = Parameter(ChoiceField([Post.DRAFT, Post.PUBLISHED]), method="by_status")
    ordering = Ordering("created_at", "published_at", "title")

    def by_tag(self, posts: PostQuerySet, name: str, value: str) -> PostQuerySet:
        return posts.tagged(value)

    def by_words(self, posts: PostQuerySet, name: str, value: str) -> PostQuerySet:
        return posts.matching(value)

    def by_status(self, posts: PostQuerySet, name: str, value: str) -> PostQuerySet:
        return posts.in_status(value)
