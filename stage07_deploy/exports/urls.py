from rest_framework.routers import SimpleRouter

from exports.views import ExportViewSet

router = SimpleRouter(use_regex_path=False)
router.register("exports", ExportViewSet, "export")

urlpatterns = router.urls
