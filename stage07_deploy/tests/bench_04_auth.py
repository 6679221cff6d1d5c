"""What it costs to know who asks: `./stage bench`."""

from accounts.models import User
from accounts.services import log_in
from blog.models import Post
from stages.measure import Bench, Count, Request

POSTS, TODOS = "/api/v1/posts/", "/api/v1/todos/"


def bench() -> Bench:
    post = Post.objects.filter(status=Post.PUBLISHED).latest("created_at")
    bearer = {
        "Authorization": f"Bearer {log_in(user=User.objects.get(id=post.author_id))['access']}"
    }
    detail = f"{POSTS}{post.slug}/"
    return Bench(
        [
            Request("20 posts, of anybody", POSTS),
            Request("20 posts, with a token", POSTS, bearer, at_most=1.5),
            Request("one post, of anybody", detail),
            Request("one post, with a token", detail, bearer),
            Request("20 to-dos of one's own", TODOS, bearer),
        ],
        [Count("20 posts, one post", [POSTS, detail], at_most=1)],
    )
