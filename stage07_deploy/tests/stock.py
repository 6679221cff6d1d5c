"""The service with one path more: the list of posts as DRF makes it of a model."""

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import path
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination

from blog.models import Post
from config import urls
from todos.models import Todo

# As the documentation of Django counts rows in a subquery.
OPEN = Todo.objects.filter(post=OuterRef("pk"), done=False).values("post").annotate(n=Count("pk"))


class StockSerializer(serializers.ModelSerializer):
    url = serializers.HyperlinkedIdentityField("post-detail", lookup_field="slug")
    tags = serializers.SlugRelatedField("name", many=True, read_only=True, source="tag_set")
    open_todos = serializers.IntegerField()
    actions = serializers.SerializerMethodField()

    class Meta:
        model = Post
        fields = [
            *("url", "slug", "title", "body", "tags", "status", "open_todos"),
            *("created_at", "updated_at", "published_at", "actions"),
        ]

    def get_actions(self, post):
        publishable = post.status == Post.DRAFT and not post.open_todos
        url = self.fields["url"].get_url(post, "post-publish", self.context["request"], None)
        return {"publish": url} if publishable else {}


class StockPages(CursorPagination):
    page_size = 20
    ordering = ("-created_at", "-id")


class StockPosts(ListAPIView):
    queryset = (
        Post.objects.defer("search")
        .annotate(open_todos=Coalesce(Subquery(OPEN.values("n")), 0))
        .prefetch_related("tag_set")
    )
    serializer_class = StockSerializer
    pagination_class = StockPages
    filter_backends = ()
    permission_classes = ()


urlpatterns = [path("stock/posts/", StockPosts.as_view(), {"version": "v1"}), *urls.urlpatterns]
