"""A mail server's end for a machine of one's own: it prints every mail and keeps it as a file."""

import sys
from email.message import Message

from aiosmtpd.handlers import Mailbox


class PrintingMailbox(Mailbox):
    def handle_message(self, message: Message) -> None:
        super().handle_message(message)
        sys.stdout.write(f"{message}\n")
