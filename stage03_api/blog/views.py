from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from blog import services
from blog.filters import PostFilters
from blog.models import Comment, Post
from blog.serializers import CommentSerializer, PostSerializer
from config.resources import Resource


class PostViewSet(Resource, ModelViewSet[Post]):
    queryset = Post.objects.with_details()
    serializer_class = PostSerializer
    filterset_class = PostFilters
    lookup_field = "slug"
    lookup_value_converter = "slug"
    conflicts = ("publish",)

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        serializer.instance = services.create_post(**serializer.validated_data)

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
    conflicts = ("create",)

    def get_queryset(self) -> QuerySet[Comment]:
        return Comment.objects.on(self.get_post())

    def get_post(self) -> Post:
        return get_object_or_404(Post.objects.defer("body", "search"), slug=self.kwargs["slug"])

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        post = self.get_post()
        serializer.instance = services.add_comment(post=post, **serializer.validated_data)


class CommentViewSet(Resource, mixins.DestroyModelMixin):
    queryset = Comment.objects.all()
    serializer_class = CommentSerializer
    lookup_value_converter = "int"

    def perform_destroy(self, instance: Comment) -> None:
        services.delete_comment(comment=instance)
