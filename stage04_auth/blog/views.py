from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from accounts.permissions import MayAdd, MayChange
from blog import services
from blog.filters import PostFilters
from blog.models import Comment, Post, PostQuerySet
from blog.serializers import CommentSerializer, PostSerializer
from config.resources import Resource


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


class CommentViewSet(Resource, mixins.DestroyModelMixin):
    queryset = Comment.objects.select_related("post").defer("post__body", "post__search")
    serializer_class = CommentSerializer
    permission_classes = [IsAuthenticated, MayChange]
    lookup_value_converter = "int"

    def perform_destroy(self, instance: Comment) -> None:
        services.delete_comment(comment=instance)
