"""Mail over SMTP (RFC 5321)."""

from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.mail import EmailMessage


class Refused(Exception):
    """The mail server does not take the mail, and never will (RFC 5321 §4.2.1: 5yz)."""


# All else that sending raises passes if one waits, or once somebody has mended it: no name, no way
# there, no server, one that hangs up or takes no log-in, one that says so, and one too slow.
TRANSIENT = (OSError, SoftTimeLimitExceeded)


def send_mail(*, key: str, to: str, subject: str, body: str) -> None:
    """Sends a mail to one person; its Message-ID is made of `key`.

    A mail that is sent again, since the worker died before it could note that it was taken, has
    the same id (RFC 5322 §3.6.4), by which a mailbox can tell. More SMTP cannot do.
    """
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2]
    # RFC 3834 §5: so that no robot answers.
    headers = {"Message-ID": f"<{key}@{domain}>", "Auto-Submitted": "auto-generated"}
    # A line break would begin another header, and Django refuses it.
    line = " ".join(subject.split())
    try:
        EmailMessage(line, body, to=[to], headers=headers).send()
    except (SMTPSenderRefused, SMTPRecipientsRefused, SMTPDataError) as error:
        if isinstance(error, SMTPRecipientsRefused):
            ((code, _),) = error.recipients.values()
        else:
            code = error.smtp_code
        if code >= 500:
            raise Refused(code) from error
        raise
