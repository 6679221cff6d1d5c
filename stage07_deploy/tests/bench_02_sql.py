"""What SQL costs, and what it would cost if it were written otherwise: `./stage bench`."""

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import Count as RowCount
from django.db.models import Func, IntegerField, Q, QuerySet
from django.test import Client

from blog.models import Post
from blog.samples import TAGS, WORDS
from config.pagination import Cursor, older
from stages.measure import Bench, Comparison, Count, Request, Timing

POSTS = "/api/v1/posts/"
# Words by how many of the posts hold them: nearly all to a fifteenth, down to 1 in 300, 1 in 4,000.
COMMON, MEDIUM, RARE = WORDS[:50], WORDS[50:1050:20], WORDS[-50:]


def bench() -> Bench:
    return Bench(requests(), counts(), timings(), comparisons())


def requests() -> list[Request]:
    pages = Post.objects.count() // 20
    detail = f"{POSTS}{newest(Post.objects.all())[0].slug}/"
    etag = Client(headers={"host": "localhost"}).get(detail)["ETag"]
    return [
        Request("page 1 of 20 posts", POSTS),
        deep(pages * 4 // 5, at_most=1.15),
        deep(pages - 1, at_most=1.2),
        Request("page 1 of 100 posts", f"{POSTS}?page_size=100"),
        Request("?status=published", f"{POSTS}?status=published"),
        Request("?tag=", f"{POSTS}?tag={TAGS[0]}"),
        Request("?q= a common word", f"{POSTS}?q={COMMON[0]}"),
        Request("?q= a medium word", f"{POSTS}?q={MEDIUM[0]}"),
        Request("?q= a rare word", f"{POSTS}?q={RARE[0]}"),
        Request("one post", detail),
        Request("one post, unchanged (304)", detail, {"If-None-Match": etag}, status=304),
        Request("/, which asks no database", "/"),
    ]


def deep(number: int, at_most: float) -> Request:
    cursor = after(20 * (number - 1)).encode()
    return Request(f"page {number:,}", f"{POSTS}?cursor={cursor}", at_most=at_most)


def counts() -> list[Count]:
    sizes = [f"{POSTS}?page_size={size}" for size in (20, 100)]
    return [Count("a list of 20, a list of 100", sizes, at_most=4)]


def timings() -> list[Timing]:
    kinds = {"common": COMMON, "medium": MEDIUM, "rare": RARE}
    return [
        Timing(f"search, 50 {kind} words", [page(search(word)) for word in words], at_most=20)
        for kind, words in kinds.items()
    ]


def comparisons() -> list[Comparison]:
    posts, word = Post.objects.with_details(), COMMON[7]
    joined = Post.objects.annotate(
        tag_count=RowCount("tag_set", distinct=True),
        open_count=RowCount("todos", filter=Q(todos__done=False), distinct=True),
    )
    at = Post.objects.count() * 4 // 5
    total = Post.objects.values(n=Func("pk", function="COUNT", output_field=IntegerField()))
    rank = SearchRank("search", SearchQuery(word, search_type="websearch", config="english"))
    ranked = search(word).annotate(rank=rank).order_by("-rank")[:21]
    substring = posts.filter(Q(title__icontains=RARE[0]) | Q(body__icontains=RARE[0]))
    return [
        Comparison("counts by joins", page(joined), "by subqueries", page(posts)),
        Comparison(f"OFFSET {at:,}", newest(posts)[at : at + 21], "a cursor", page_after(at)),
        Comparison("count(*) for the last page", total, "one row more", page(posts)),
        Comparison("a common word by rank", ranked, "by date", page(search(word))),
        Comparison("a rare word by icontains", page(substring), "by GIN", page(search(RARE[0]))),
    ]


def newest(posts: QuerySet[Post]) -> QuerySet[Post]:
    return posts.order_by("-created_at", "-id")


def page(posts: QuerySet[Post]) -> QuerySet[Post]:
    """What a list of 20 reads: one row more tells whether a page follows."""
    return newest(posts)[:21]


def after(place: int) -> Cursor:
    """Where a reader stands who has turned past so many posts."""
    last = newest(Post.objects.all())[place - 1]
    return Cursor("after", last.created_at, last.id)


def page_after(place: int) -> QuerySet[Post]:
    return older(after(place), Post.objects.with_details())[:21]


def search(words: str) -> QuerySet[Post]:
    return Post.objects.with_details().matching(words)
