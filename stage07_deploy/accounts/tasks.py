from celery import shared_task
from django.core.management import call_command
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import TokenFamily


@shared_task
def clear_expired() -> None:
    """Deletes log-ins and sessions that nobody can use any more."""
    TokenFamily.objects.outlived(RefreshToken.lifetime).delete()
    call_command("clearsessions")
