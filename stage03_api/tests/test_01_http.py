"""What the HTTP layer promises beside the contract: the same file in every stage."""


def test_log__of_a_request__has_its_id_and_what_was_asked(web, client):
    client.get("/?page_size=1", headers={"X-Request-ID": "log-0123.abc"})

    (line,) = [line for line in web.log.read_text().splitlines() if "log-0123.abc" in line]
    assert "GET /?page_size=1" in line


def test_target__no_path__is_400(client, problem):
    problem(client.get("/", extensions={"target": b"nowhere"}), 400)
