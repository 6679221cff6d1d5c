"""Ports of this machine: free ones, and who has the others."""

import contextlib
import socket
from pathlib import Path

import click
import psutil


def is_free(port: int) -> bool:
    """Whether a server could take a port now."""
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False


def free_port(last: Path) -> int:
    """The port that a file names if it is free, so that addresses stay; else any."""
    with contextlib.suppress(OSError, ValueError):
        if is_free(port := int(last.read_text())):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free(port: int) -> None:
    """Refuse a port that is taken, before anything starts, and say by whom."""
    if not is_free(port):
        raise click.ClickException(
            f"port {port} is taken{holder(port)}; stop that, or choose another with --port"
        )


def holder(port: int) -> str:
    """Who listens on a port, as far as the system tells us."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f" by process {connection.pid} ({command[:80]})"
    return ""
