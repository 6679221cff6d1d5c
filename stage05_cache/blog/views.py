from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from accounts.permissions import MayAdd, MayChange
from blog import cache, live, services
from blog.filters import PostFilters
from blog.models import Comment, Post, PostQuerySet
from blog.serializers import CommentSerializer, PostSerializer
from config.pagination import PAGE_PARAMETERS
from config.problems import Problem
from config.resources import Resource

TRENDING = 10
# What a list of one page does not have.
WHOLE = [OpenApiParameter(name, exclude=True) for name in PAGE_PARAMETERS]


class PostViewSet(Resource, ModelViewSet[Post]):
    queryset = Post.objects.with_details()
    # What anonymous readers ask for most: put together once, not anew for each request.
    published = queryset.visible_to(AnonymousUser())
    serializer_class = PostSerializer
    permission_classes = [IsAuthenticatedOrReadOnly, MayAdd, MayChange]
    filterset_class = PostFilters
    lookup_field = "slug"
    lookup_value_converter = "slug"
    conflicts = ("publish",)

    def get_queryset(self) -> PostQuerySet:
        user = self.request.user
        return self.published.all() if user.is_anonymous else self.queryset.visible_to(user)

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        author: Any = self.request.user
        serializer.instance = services.create_post(author=author, **serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        post: Any = serializer.instance
        changes = serializer.validated_data
        check = self.precondition()
        serializer.instance = services.update_post(post=post, changes=changes, precondition=check)

    def perform_destroy(self, instance: Post) -> None:
        services.delete_post(post=instance, precondition=self.precondition())

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, **kwargs: Any) -> Response:
        post = services.publish_post(post=self.get_object(), precondition=self.precondition())
        return Response(self.get_serializer(post).data)

    @extend_schema(responses=PostSerializer(many=True), filters=False, parameters=WHOLE)
    @action(detail=False, filterset_class=None)
    def trending(self, request: Request, **kwargs: Any) -> Response:
        slugs = cache.trending(TRENDING)
        posts = self.filter_queryset(self.get_queryset())  # for it refuses what it does not know
        found = {post.slug: post for post in posts.filter(slug__in=slugs)}
        listed = [found[slug] for slug in slugs if slug in found]
        rows = self.get_serializer(listed, many=True).data
        return Response({"next": None, "previous": None, "results": rows})


class PostCommentViewSet(Resource, mixins.ListModelMixin, mixins.CreateModelMixin):
    queryset = Comment.objects.all()
    serializer_class = CommentSerializer
    permission_classes = [IsAuthenticatedOrReadOnly, MayAdd]
    conflicts = ("create",)

    def get_queryset(self) -> QuerySet[Comment]:
        return Comment.objects.on(self.get_post())

    def get_post(self) -> Post:
        posts = Post.objects.visible_to(self.request.user).defer("body", "search")
        return get_object_or_404(posts, slug=self.kwargs["slug"])

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        post = self.get_post()
        author: Any = self.request.user
        fields = serializer.validated_data
        serializer.instance = services.add_comment(post=post, author=author, **fields)

    @extend_schema(exclude=True)  # A stream of events is something that OpenAPI 3.1 cannot tell.
    # Without OPTIONS: what DRF answers to it is no event.
    @action(detail=False, renderer_classes=[live.EventStream], http_method_names=["get", "head"])
    def stream(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        posts = Post.objects.in_status(Post.PUBLISHED).defer("body", "search")
        post = get_object_or_404(posts, slug=kwargs["slug"])
        if not isinstance(request._request, ASGIRequest):
            raise Problem(501, "This server cannot keep an answer open.")
        if live.hub.size >= settings.STREAM_LIMIT:
            raise Problem(503, "Too many listen already.", headers={"Retry-After": "10"})
        last = live.position(post, request.headers.get("Last-Event-ID"))
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        headers["Content-Type"] = live.EventStream.media_type
        if request.method == "HEAD":
            return HttpResponse(headers=headers)  # for the stream would never end
        # It would be the stream's for as long as that lasts, and there are ten for all.
        connection.close()

        def represent(comments: list[Comment]) -> list[Any]:
            return list(self.get_serializer(comments, many=True).data)

        return StreamingHttpResponse(live.events(post, last, represent), headers=headers)


class CommentViewSet(Resource, mixins.DestroyModelMixin):
    queryset = Comment.objects.select_related("post").defer("post__body", "post__search")
    serializer_class = CommentSerializer
    permission_classes = [IsAuthenticated, MayChange]
    lookup_value_converter = "int"

    def perform_destroy(self, instance: Comment) -> None:
        services.delete_comment(comment=instance)
