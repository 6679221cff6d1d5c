from celery import shared_task

from blog import cache, services
from outbox.jobs import try_lock

BATCH = 100


@shared_task
def publish_due() -> None:
    """Publishes the posts whose time has come, as many as fit into the time of a job."""
    cache.pay_debts()  # In a worker, where nobody reads pages, nothing else would.
    for _ in range(BATCH):
        if not services.publish_next_due():
            return
    publish_due.delay()


@shared_task
def flush_views() -> None:
    """Moves the views counted in Redis to the posts, each once, wherever it is interrupted."""
    with try_lock("blog.tasks.flush_views") as locked:
        if locked:
            flush, views = cache.take_views()
            services.add_views(flush=flush, views=views)
            cache.drop_views()
