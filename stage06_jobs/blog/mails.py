"""What the author of a post is told by mail."""

from celery import shared_task
from django.conf import settings

from blog.models import Comment, Post
from config.mail import TRANSIENT, send_mail
from outbox.jobs import Job


@shared_task(bind=True, base=Job, retry_on=TRANSIENT)
def mail_comment(self: Job, comment_id: int) -> None:
    """Tells of a comment, unless it has been deleted since."""
    comments = Comment.objects.select_related("post__author").defer("post__body", "post__search")
    if comment := comments.filter(id=comment_id).first():
        tell_author(
            self.key,
            comment.post,
            f"{comment.name} on “{comment.post.title}”",
            f"{comment.name} writes:\n\n{comment.body}",
        )


@shared_task(bind=True, base=Job, retry_on=TRANSIENT)
def mail_blocked(self: Job, post_id: int) -> None:
    """Tells that a post's time has come while its checklist was not done."""
    posts = Post.objects.select_related("author").defer("body", "search")
    if post := posts.filter(id=post_id).first():
        tell_author(
            self.key,
            post,
            f"Not published: “{post.title}”",
            "Its time has come, but to-dos on its checklist were open. It stays a draft, without a"
            " time; set another, or publish it yourself.",
        )


def tell_author(key: str, post: Post, subject: str, text: str) -> None:
    if post.author.is_active:
        url = f"{settings.PUBLIC_URL}/api/v1/posts/{post.slug}/"
        send_mail(key=key, to=post.author.email, subject=subject, body=f"{text}\n\n{url}\n")
