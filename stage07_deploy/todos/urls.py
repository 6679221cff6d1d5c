from rest_framework.routers import SimpleRouter

from todos.views import TodoViewSet

router = SimpleRouter(use_regex_path=False)
router.register("todos", TodoViewSet, "todo")

urlpatterns = router.urls
