from django.urls import path

from blog.views import CommentDetail, CommentList, PostDetail, PostList, PostPublish

urlpatterns = [
    path("posts/", PostList.as_view(), name="post-list"),
    path("posts/<slug:slug>/", PostDetail.as_view(), name="post-detail"),
    path("posts/<slug:slug>/publish/", PostPublish.as_view(), name="post-publish"),
    path("posts/<slug:slug>/comments/", CommentList.as_view(), name="comment-list"),
    path("comments/<int:pk>/", CommentDetail.as_view(), name="comment-detail"),
]
