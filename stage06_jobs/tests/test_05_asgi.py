"""What a server that takes requests in pieces must not lose."""

import socket

import pytest

POSTS = "/api/v1/posts/"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("length", ["Transfer-Encoding: chunked", "Content-Length: 10000000000"])
def test_body__too_long__is_refused_before_its_end(web, author, length):
    host, port = web.url.removeprefix("http://").split(":")
    token = author.headers["Authorization"]
    head = f"POST {POSTS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n{length}\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode())
        for _ in range(4):
            connection.sendall(b"80000\r\n" + b"a" * 0x80000 + b"\r\n")

        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


def test_body__in_chunks__is_read(author):
    title = iter([b'{"title":', b' "In chunks"}'])
    made = author.post(POSTS, content=title, headers=JSON)

    assert made.status_code == 201
    assert made.json()["title"] == "In chunks"
