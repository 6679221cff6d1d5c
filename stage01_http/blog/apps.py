from django.apps import AppConfig
from django.conf import settings


class BlogConfig(AppConfig):
    name = "blog"

    def ready(self) -> None:
        if settings.DEMO:
            from blog import demo

            demo.load()
