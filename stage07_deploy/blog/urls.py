from rest_framework.routers import SimpleRouter

from blog.views import CommentViewSet, PostCommentViewSet, PostViewSet

router = SimpleRouter(use_regex_path=False)
router.register("posts", PostViewSet, "post")
router.register("posts/<slug:slug>/comments", PostCommentViewSet, "post-comment")
router.register("comments", CommentViewSet, "comment")

urlpatterns = router.urls
