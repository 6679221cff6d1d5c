"""What a browser meets: sessions and CSRF, the admin, other origins; and what slows one down."""

import re
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import make_password

from tests.conftest import account, committed

POSTS, AUTH = "/api/v1/posts/", "/api/v1/auth/"
LOGIN, ADMIN = "/api/session/login/", "/admin/"
SECRET = "quite a secret"
HTML = {"Accept": "text/html"}


@pytest.fixture
def browser(web):
    with web.client() as browser:
        yield browser


def send(browser, page, **fields):
    """Sends the form of a page."""
    form = browser.get(page, headers=HTML).text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
    sent = fields | {"csrfmiddlewaretoken": token}
    return browser.post(page, data=sent, headers={"Referer": str(browser.base_url)})


def log_in(browser, page=LOGIN, password=SECRET, **fields):
    """Sends the log-in of a page for an account with these fields."""
    email = f"{uuid4().hex}@example.com"
    committed(account, email, password=make_password(SECRET), **fields)
    return send(browser, page, username=email, password=password)


def test_session__of_the_browsable_api__writes_with_its_csrf_token_alone(browser, problem):
    assert log_in(browser).status_code == 302

    page = browser.get(POSTS, headers=HTML)
    assert "Log out" in page.text
    refused = browser.post(POSTS, json={"title": "A"})
    token = {"X-CSRFToken": browser.cookies["csrftoken"]}

    assert "CSRF" in problem(refused, 403)["detail"]
    assert browser.post(POSTS, json={"title": "A"}, headers=token).status_code == 201
    assert browser.get(f"{AUTH}me/").json()["name"]


def test_session__cannot_end_a_family_that_it_has_not(browser, problem):
    log_in(browser)

    problem(browser.post(f"{AUTH}logout/"), 401)


def test_session__of_a_changed_password__is_over(browser, problem):
    log_in(browser)
    token = {"X-CSRFToken": browser.cookies["csrftoken"]}
    words = {"current": SECRET, "new": "another secret"}

    assert browser.post(f"{AUTH}me/password/", json=words, headers=token).status_code == 204

    problem(browser.get(f"{AUTH}me/"), 401)


def test_form__without_its_token__is_a_problem(browser, problem):
    problem(browser.post(LOGIN, data={"username": "a", "password": "b"}), 403)


def test_cookies__of_a_session__are_kept_from_scripts_and_other_sites(browser):
    cookies = log_in(browser).headers.get_list("Set-Cookie")

    (session,) = [cookie for cookie in cookies if cookie.startswith("sessionid")]
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session


def test_nul__where_no_validation_of_ours_looks__is_400(browser, problem):
    cookie = {"Cookie": r'sessionid="12345678\000"'}  # the last one is NUL to Python
    for path in (POSTS, f"{AUTH}me/", ADMIN):
        problem(browser.get(path, headers=cookie), 400)
    log_in(browser, f"{ADMIN}login/", is_staff=True, is_superuser=True)
    problem(browser.get(f"{ADMIN}accounts/user/?email=%00"), 400)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "accounts/user/",
        "accounts/user/add/",
        "accounts/user/{id}/change/",
        "blog/post/",
        "blog/post/{post}/change/",
        "blog/comment/",
        "todos/todo/",
    ],
)
def test_admin__of_a_superuser__opens(browser, new_post, path):
    from blog.models import Post

    slug = new_post(published=True)["slug"]
    there = {"id": committed(account, "alice@example.com").id}
    there["post"] = Post.objects.get(slug=slug).id
    log_in(browser, f"{ADMIN}login/", is_staff=True, is_superuser=True)

    page = browser.get(ADMIN + path.format(**there), headers=HTML)

    assert page.status_code == 200
    assert "<h1>" in page.text


def test_admin__new_account__logs_in(browser):
    log_in(browser, f"{ADMIN}login/", is_staff=True, is_superuser=True)
    email, password = f"{uuid4().hex}@example.com", "seven quiet words"
    twice = {"password1": password, "password2": password}

    made = send(browser, f"{ADMIN}accounts/user/add/", email=email, name="New", **twice)

    assert made.status_code == 302
    sent = {"email": email, "password": password}
    assert browser.post(f"{AUTH}token/", json=sent).status_code == 200


def test_admin__rows_that_have_rules__can_only_be_read(browser, problem):
    log_in(browser, f"{ADMIN}login/", is_staff=True, is_superuser=True)

    for path in ("blog/post/add/", "todos/todo/add/"):
        problem(browser.get(ADMIN + path, headers=HTML), 403)


def test_admin__of_an_author__stays_closed(browser):
    log_in(browser)

    assert browser.get(ADMIN, headers=HTML).status_code == 302


def test_headers__of_every_answer__are_the_careful_ones(client):
    for path in (POSTS, "/nowhere", f"{ADMIN}login/"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_cors__of_a_named_origin__may_read_and_send(start_web):
    origin = {"Origin": "https://app.example"}
    wish = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, content-type, if-match",
    }
    with start_web(CORS_ALLOWED_ORIGINS="https://app.example").client() as client:
        leave = client.options(f"{AUTH}me/", headers=origin | wish)
        answer = client.get(POSTS, headers=origin)
        refusal = client.get(f"{AUTH}me/", headers=origin)
        stranger = client.get(POSTS, headers={"Origin": "https://evil.example"})

    assert leave.status_code == 200
    assert "PATCH" in leave.headers["Access-Control-Allow-Methods"]
    assert "if-match" in leave.headers["Access-Control-Allow-Headers"]
    for response in (leave, answer, refusal):
        assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert "Access-Control-Allow-Credentials" not in response.headers
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in stranger.headers


def test_cors__of_any_origin__is_closed_by_default(client):
    answer = client.get(POSTS, headers={"Origin": "https://app.example"})

    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", [LOGIN, f"{ADMIN}login/", "/static/nothing.css"])
def test_form__that_the_csrf_check_cannot_read__is_a_problem(client, problem, path):
    client.cookies.set("csrftoken", "a" * 32)
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    problem(client.post(path, files={}, headers={"Content-Type": "multipart/form-data"}), 400)
    problem(client.post(path, content="a=b&" * 2000, headers=form), 400)
    problem(client.post(path, content="a=" + "b" * 2**21, headers=form), 413)


# Throttles

GUESS = {"email": "somebody@example.com", "password": "guessed"}


def slowed(answers, problem, allowed):
    """Whether so many answers are let through, and the next tells how long to wait."""
    assert 429 not in [answer.status_code for answer in answers[:allowed]]
    for answer in answers[allowed:]:
        problem(answer, 429)
        assert 1 <= int(answer.headers["Retry-After"]) <= 3600


def test_throttle__of_log_ins__counts_the_address_whoever_is_tried(start_web, problem):
    with start_web(LOGIN_RATE="3/min").client() as client:
        several = [{**GUESS, "email": f"{number}@example.com"} for number in range(5)]
        forged = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(5)]
        answers = [
            client.post(f"{AUTH}token/", json=guess, headers=headers)
            for guess, headers in zip(several, forged, strict=True)
        ]
        slowed(answers, problem, 3)


def test_throttle__of_log_ins__counts_the_account_wherever_from(start_web, problem):
    with start_web(LOGIN_RATE="3/min", NUM_PROXIES="1").client() as client:
        forged = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(5)]
        cases = [GUESS, {**GUESS, "email": "SOMEBODY@example.com"}] * 2 + [GUESS]
        answers = [
            client.post(f"{AUTH}token/", json=guess, headers=headers)
            for guess, headers in zip(cases, forged, strict=True)
        ]
        slowed(answers, problem, 3)
        other = {**GUESS, "email": "other@example.com"}
        fresh = {"X-Forwarded-For": "192.0.2.99"}
        assert client.post(f"{AUTH}token/", json=other, headers=fresh).status_code == 401


def test_throttle__of_log_ins__under_an_address_for_a_name__spares_that_address(start_web):
    with start_web(LOGIN_RATE="3/min", NUM_PROXIES="1").client() as client:
        for number in range(2, 6):
            headers = {"X-Forwarded-For": f"192.0.2.{number}"}
            client.post(f"{AUTH}token/", json={**GUESS, "email": "192.0.2.1"}, headers=headers)
        there = {"X-Forwarded-For": "192.0.2.1"}
        assert client.post(f"{AUTH}token/", json=GUESS, headers=there).status_code == 401


def test_throttle__of_log_ins__holds_for_forms_and_a_known_user_too(start_web, problem):
    web = start_web(LOGIN_RATE="3/min")
    change = f"{ADMIN}password_change/"
    with web.client() as browser, web.client() as admin, web.logged_in("bob@example.com") as bob:
        assert log_in(admin, f"{ADMIN}login/", is_staff=True).status_code == 302
        words = {"current": "guessed", "new": "another secret"}
        answers = [send(admin, change, old_password="guessed")]
        answers += [bob.post(f"{AUTH}me/password/", json=words)]
        answers += [log_in(browser, page, "guessed") for page in (LOGIN, f"{ADMIN}login/")]
        answers += [send(admin, change, old_password="guessed")]
        slowed(answers, problem, 2)


NEW = {"name": "New", "password": "correct horse battery"}


def test_throttle__of_registrations__counts_the_address_whoever_is_registered(start_web, problem):
    with start_web(REGISTRATION_RATE="2/hour").client() as client:
        several = [{**NEW, "email": f"{number}@example.com"} for number in range(4)]
        slowed([client.post(f"{AUTH}register/", json=sent) for sent in several], problem, 2)


def test_throttle__of_registrations__counts_the_account_wherever_from(start_web, problem):
    with start_web(REGISTRATION_RATE="2/hour", NUM_PROXIES="1").client() as client:
        forged = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(4)]
        sent = {**NEW, "email": "somebody@example.com"}
        answers = [
            client.post(f"{AUTH}register/", json=sent, headers=headers) for headers in forged
        ]
        slowed(answers, problem, 2)


def test_throttle__of_writes__counts_the_user_and_no_reads(start_web, problem):
    web = start_web(WRITE_RATE="2/hour")
    with web.logged_in("alice@example.com") as alice, web.logged_in("bob@example.com") as bob:
        answers = [alice.post(POSTS, json={"title": "A"}) for _ in range(4)]
        slowed(answers, problem, 2)
        assert alice.get(POSTS).status_code == 200
        assert bob.post(POSTS, json={"title": "B"}).status_code == 201
