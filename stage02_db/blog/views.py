from django.http import HttpRequest, HttpResponse

from blog import services
from blog.filters import POST_PARAMETERS, filter_posts
from blog.models import Comment, Post
from blog.serializers import COMMENT_FIELDS, POST_FIELDS, represent_comment, represent_post
from config.http import Resource, precondition, read_json, read_query, respond, respond_created
from config.pagination import PAGE_PARAMETERS, paginate
from config.validation import validate


class PostList(Resource):
    def get(self, request: HttpRequest) -> HttpResponse:
        query = validate(read_query(request), POST_PARAMETERS | PAGE_PARAMETERS)
        return respond(request, paginate(request, filter_posts(query), query, represent_post))

    def post(self, request: HttpRequest) -> HttpResponse:
        post = services.create_post(**validate(read_json(request), POST_FIELDS))
        return respond_created(request, represent_post(post), "post-detail", post.slug)


class PostDetail(Resource):
    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return respond(request, represent_post(Post.objects.with_details().get(slug=slug)))

    def patch(self, request: HttpRequest, slug: str) -> HttpResponse:
        post = Post.objects.get(slug=slug)
        partial = request.method == "PATCH"
        changes = validate(read_json(request), POST_FIELDS, partial=partial)
        check = precondition(request, represent_post)
        post = services.update_post(post=post, changes=changes, precondition=check)
        return respond(request, represent_post(post))

    put = patch

    def delete(self, request: HttpRequest, slug: str) -> HttpResponse:
        check = precondition(request, represent_post)
        services.delete_post(post=Post.objects.get(slug=slug), precondition=check)
        return HttpResponse(status=204)


class PostPublish(Resource):
    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        check = precondition(request, represent_post)
        post = services.publish_post(post=Post.objects.get(slug=slug), precondition=check)
        return respond(request, represent_post(post))


class CommentList(Resource):
    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        query = validate(read_query(request), PAGE_PARAMETERS)
        comments = Comment.objects.on(Post.objects.get(slug=slug))
        return respond(request, paginate(request, comments, query, represent_comment))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        post = Post.objects.get(slug=slug)
        comment = services.add_comment(post=post, **validate(read_json(request), COMMENT_FIELDS))
        return respond_created(request, represent_comment(comment), "comment-detail", comment.id)


class CommentDetail(Resource):
    def delete(self, request: HttpRequest, pk: int) -> HttpResponse:
        services.delete_comment(comment=Comment.objects.get(id=pk))
        return HttpResponse(status=204)
