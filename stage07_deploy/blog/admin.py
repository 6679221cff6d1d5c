from django.contrib import admin

from blog.models import Comment, Post
from config.admin import ReadOnlyAdmin


@admin.register(Post)
class PostAdmin(ReadOnlyAdmin):
    list_display = ["title", "author", "status", "created_at", "views"]
    list_filter = ["status"]
    list_select_related = ["author"]


@admin.register(Comment)
class CommentAdmin(ReadOnlyAdmin):
    list_display = ["name", "post", "created_at"]
    list_select_related = ["post"]
