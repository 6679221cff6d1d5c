from typing import Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Func, OuterRef, Q, Subquery
from django.utils.timezone import now

from accounts.models import User
from todos.models import Todo


class Tag(models.Model):
    """A word by which posts are found; kept once, however many posts carry it."""

    # Sorted as Python sorts: in the order of some language, the answer to a write and the next read
    # would list the same tags in two orders, and so have two entity tags.
    name = models.CharField(max_length=40, db_collation="C")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="tag_name_unique")]

    def __str__(self) -> str:
        return self.name


class PostQuerySet(models.QuerySet["Post"]):
    def with_details(self) -> Self:
        """The posts with `tags`, `open_todos` and `author_name`, which other rows decide.

        Subqueries run for the rows of one page. Joins would multiply tags by to-dos, and group
        all posts before the page is cut.
        """
        tags = Tag.objects.filter(posts=OuterRef("pk")).order_by("name").values("name")
        # Func, for Count would bring a GROUP BY, and with it no row at all for an empty checklist.
        count = Func("pk", function="COUNT", output_field=models.IntegerField())
        open_todos = Todo.objects.done(False).filter(post=OuterRef("pk")).values(n=count)
        posts = self.annotate(tags=ArraySubquery(tags), open_todos=Subquery(open_todos))
        posts = posts.annotate(author_name=F("author__name"))
        # The search vector is about as long as the body, and only the database reads it.
        return posts.defer("search")

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """What is published, with one's own drafts, and with all to whom a role shows them."""
        if user.is_anonymous:
            return self.in_status(Post.PUBLISHED)
        own = Q(status=Post.PUBLISHED) | Q(author=user.pk)
        return self.all() if user.has_perm("blog.view_post") else self.filter(own)

    def tagged(self, name: str) -> Self:
        return self.filter(tag_set__name=name)

    def in_status(self, status: str) -> Self:
        return self.filter(status=status)

    def due(self) -> Self:
        return self.filter(publish_at__lte=now())

    def matching(self, words: str) -> Self:
        """The posts whose title or body holds all `words`, in any inflection."""
        return self.filter(search=SearchQuery(words, search_type="websearch", config="english"))


class Post(models.Model):
    """An article in Markdown; drafted, and published once its checklist is done."""

    DRAFT = "draft"
    PUBLISHED = "published"

    # Accounts are deactivated and not deleted, so that what they wrote keeps its author.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="posts", db_index=False
    )
    slug = models.SlugField(max_length=80, db_index=False)
    title = models.CharField(max_length=200)
    body = models.TextField()
    tag_set = models.ManyToManyField(Tag, related_name="posts")
    status = models.CharField(
        max_length=9, choices=[(DRAFT, DRAFT), (PUBLISHED, PUBLISHED)], default=DRAFT
    )
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)
    published_at = models.DateTimeField(null=True)
    publish_at = models.DateTimeField(null=True)
    # Those that have been flushed from Redis.
    views = models.PositiveBigIntegerField(default=0, db_default=0)
    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="english")
        + SearchVector("body", weight="B", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    # Filled by PostQuerySet.with_details.
    tags: list[str]
    open_todos: int
    author_name: str

    objects = PostQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="post_slug_unique"),
            models.CheckConstraint(
                condition=Q(status="draft", published_at=None)
                | Q(status="published", published_at__isnull=False),
                name="post_published_at_says_when",
            ),
            models.CheckConstraint(
                condition=Q(publish_at=None) | Q(status="draft"), name="post_scheduled_is_draft"
            ),
        ]
        indexes = [
            # GET posts/, newest first: a page starts at a place of this index.
            models.Index(fields=["-created_at", "-id"], name="post_newest"),
            # GET posts/?status=published: the same, without stepping over drafts.
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(status="published"),
                name="post_newest_published",
            ),
            # Post.objects.due(): the few that are scheduled.
            models.Index(
                fields=["publish_at"], condition=Q(publish_at__isnull=False), name="post_due"
            ),
            # GET posts/?q=
            GinIndex(fields=["search"], name="post_search"),
            # The foreign key: has an account that is to be deleted written anything?
            models.Index(fields=["author"], name="post_of_author"),
        ]

    def __str__(self) -> str:
        return self.title

    def may_be_changed_by(self, user: User) -> bool:
        return self.author_id == user.pk or user.has_perm("blog.change_post")


class Flush(models.Model):
    """Says which views from Redis have been added to posts: its row came in the same commit."""

    id = models.UUIDField(primary_key=True)

    class Meta:
        verbose_name_plural = "flushes"

    def __str__(self) -> str:
        return str(self.id)


class RevisionQuerySet(models.QuerySet["Revision"]):
    def tagged(self, name: str) -> Self:
        """The revisions that carried this tag, whatever tags their post has today."""
        return self.filter(document__contains={"tags": [name]})


class Revision(models.Model):
    """A post as the public was shown it from some time on.

    JSONB is right for what must not follow the schema: an old revision keeps the fields that a
    post had then.
    """

    post = models.ForeignKey(Post, models.CASCADE, related_name="revisions")
    document = models.JSONField()
    created_at = models.DateTimeField(default=now)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        indexes = [
            # Revision.objects.tagged(): jsonb_path_ops serves containment alone, in a third of the
            # space of the default.
            GinIndex(fields=["document"], name="revision_document", opclasses=["jsonb_path_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.post_id} at {self.created_at:%Y-%m-%d %H:%M}"


class CommentQuerySet(models.QuerySet["Comment"]):
    def on(self, post: Post) -> Self:
        return self.filter(post=post)


class Comment(models.Model):
    """What a reader says about a published post."""

    post = models.ForeignKey(Post, models.CASCADE, related_name="comments", db_index=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="comments", db_index=False
    )
    # The author's, as it was then.
    name = models.CharField(max_length=100)
    body = models.TextField()
    created_at = models.DateTimeField(default=now)

    objects = CommentQuerySet.as_manager()

    class Meta:
        indexes = [
            # GET posts/{slug}/comments/, newest first; and the foreign key, which it begins with.
            models.Index(fields=["post", "-created_at", "-id"], name="comment_newest"),
            # The foreign key, as of posts.
            models.Index(fields=["author"], name="comment_of_author"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.body}"

    def may_be_changed_by(self, user: User) -> bool:
        own = user.pk in (self.author_id, self.post.author_id)
        return own or user.has_perm("blog.delete_comment")
