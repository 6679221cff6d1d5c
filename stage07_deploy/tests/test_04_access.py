"""Who may do what: every operation for everybody, in one table."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import get_resolver

from accounts.models import User
from config.views import not_found
from tests.conftest import committed

V1 = "/api/v1/"
ROLES = ("anonymous", "reader", "author", "other", "viewer", "editor", "staff", "superuser")
# By method, path and what is there: the statuses for ROLES. What is there is the author's, but for
# `comment`, which the reader has written on a post of the author's.
TABLE = {
    ("GET", "/", ""): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/api/schema/", ""): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/api/docs/", ""): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/api/redoc/", ""): (200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "auth/register/", ""): (202, 202, 202, 202, 202, 202, 202, 202),
    ("POST", "auth/token/", ""): (200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "auth/token/refresh/", ""): (200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "auth/logout/", ""): (401, 204, 204, 204, 204, 204, 204, 204),
    ("GET", "auth/me/", ""): (401, 200, 200, 200, 200, 200, 200, 200),
    ("PATCH", "auth/me/", ""): (401, 200, 200, 200, 200, 200, 200, 200),
    # Nobody here knows his password; test_04_auth.py has one changed.
    ("POST", "auth/me/password/", ""): (401, 400, 400, 400, 400, 400, 400, 400),
    ("GET", "posts/", ""): (200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "posts/", ""): (401, 403, 201, 201, 201, 201, 403, 201),
    ("GET", "posts/<slug>/", "draft"): (404, 404, 200, 404, 200, 200, 404, 200),
    ("PUT", "posts/<slug>/", "draft"): (401, 404, 200, 404, 403, 200, 404, 200),
    ("PATCH", "posts/<slug>/", "draft"): (401, 404, 200, 404, 403, 200, 404, 200),
    ("DELETE", "posts/<slug>/", "draft"): (401, 404, 204, 404, 403, 204, 404, 204),
    ("POST", "posts/<slug>/publish/", "draft"): (401, 404, 200, 404, 403, 200, 404, 200),
    ("GET", "posts/<slug>/comments/", "draft"): (404, 404, 200, 404, 200, 200, 404, 200),
    ("POST", "posts/<slug>/comments/", "draft"): (401, 404, 409, 404, 409, 409, 404, 409),
    ("GET", "posts/<slug>/", "published"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("PUT", "posts/<slug>/", "published"): (401, 403, 200, 403, 403, 200, 403, 200),
    ("PATCH", "posts/<slug>/", "published"): (401, 403, 200, 403, 403, 200, 403, 200),
    ("DELETE", "posts/<slug>/", "published"): (401, 403, 204, 403, 403, 204, 403, 204),
    ("POST", "posts/<slug>/publish/", "published"): (401, 403, 200, 403, 403, 200, 403, 200),
    ("GET", "posts/<slug>/comments/", "published"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "posts/<slug>/comments/", "published"): (401, 201, 201, 201, 201, 201, 201, 201),
    ("GET", "posts/<slug>/comments/stream/", "draft"): (404, 404, 404, 404, 404, 404, 404, 404),
    ("GET", "posts/trending/", ""): (200, 200, 200, 200, 200, 200, 200, 200),
    ("DELETE", "comments/<pk>/", "comment"): (401, 204, 204, 403, 403, 204, 403, 204),
    ("GET", "todos/", ""): (401, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "todos/", ""): (401, 201, 201, 201, 201, 201, 201, 201),
    ("POST", "todos/", "draft"): (401, 400, 201, 400, 400, 201, 400, 201),
    ("POST", "todos/", "published"): (401, 400, 409, 400, 400, 409, 400, 409),
    ("GET", "todos/<pk>/", "todo"): (401, 404, 200, 404, 200, 200, 404, 200),
    ("PUT", "todos/<pk>/", "todo"): (401, 404, 200, 404, 403, 200, 404, 200),
    ("PATCH", "todos/<pk>/", "todo"): (401, 404, 200, 404, 403, 200, 404, 200),
    ("DELETE", "todos/<pk>/", "todo"): (401, 404, 204, 404, 403, 204, 404, 204),
    ("GET", "exports/", ""): (401, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "exports/", ""): (401, 202, 202, 202, 202, 202, 202, 202),
    # Of what is in it an editor may see every part, but the file is somebody's own.
    ("GET", "exports/<pk>/", "export"): (401, 404, 200, 404, 404, 404, 404, 404),
    ("GET", "exports/<pk>/download/", "export"): (401, 404, 409, 404, 404, 404, 404, 404),
}
# Not of the API: pages and files, with forms of their own, and what only this host can reach.
ELSEWHERE = ("/admin/", "/api/session/", "/static/", "/healthz", "/readyz", "/metrics")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def operations(resolver, prefix="/"):
    """Method and path of all that the URLconf leads to, with <pk> for <int:pk> and the like."""
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern).replace("int:", "").replace("slug:", "")
        if hasattr(pattern, "url_patterns"):
            yield from operations(pattern, path)
        elif pattern.callback is not not_found and not path.startswith(ELSEWHERE):
            view = pattern.callback
            known = getattr(view, "actions", None) or dir(view.cls)
            for method in METHODS:
                if method.lower() in known:
                    yield method, path.replace("/api/<version>/", "")


def test_table__beside_the_urlconf__has_every_operation():
    assert {key[:2] for key in TABLE} == set(operations(get_resolver()))


@pytest.fixture
def viewer(log_in):
    """An author to whom a role shows everything, and lets change no more."""

    def show_everything():
        group, _ = Group.objects.get_or_create(name="viewer")
        shown = Permission.objects.filter(codename__in=("view_post", "view_todo"))
        group.permissions.set(shown)
        User.objects.get(email="viewer@example.com").groups.add(group)

    one = log_in("viewer@example.com")
    committed(show_everything)
    return one


@pytest.fixture
def clients(client, alice, bob, carol, reader, viewer, staff, superuser):
    several = (client, reader, alice, bob, viewer, carol, staff, superuser)
    return dict(zip(ROLES, several, strict=True))


@pytest.fixture
def there(alice, reader):
    """Makes what is to be there, and returns what stands for it in a path."""

    def make(what):
        if what == "todo":
            return alice.post(f"{V1}todos/", json={"title": "A"}).json()["id"]
        if what == "export":
            return alice.post(f"{V1}exports/").json()["id"]
        slug = alice.post(f"{V1}posts/", json={"title": uuid4().hex}).json()["slug"]
        if what != "draft":
            assert alice.post(f"{V1}posts/{slug}/publish/").status_code == 200
        if what == "comment":
            said = reader.post(f"{V1}posts/{slug}/comments/", json={"body": "Well said."})
            return said.json()["id"]
        return slug

    return make


@pytest.fixture
def body(web):
    """What is sent to a path, from somebody with a password of his own."""

    def make(method, path, slug):
        credentials = {"email": f"{uuid4().hex}@example.com", "password": "quite a secret"}
        with web.client() as client:
            match path.removeprefix("auth/"):
                case "register/":
                    return {**credentials, "name": "Ada"}
                case "token/":
                    client.post(f"{V1}auth/register/", json={**credentials, "name": "Ada"})
                    return credentials
                case "token/refresh/":
                    tokens = client.post(f"{V1}auth/token/", json=make("POST", "auth/token/", ""))
                    return {"refresh": tokens.json()["refresh"]}
                case "posts/<slug>/comments/":
                    return {"body": "Well said."}
                case "me/":
                    return {"name": "Ada"}
                case "me/password/":
                    return {"current": "guessed", "new": "quite another secret"}
                case "todos/":
                    return {"title": "A", "post": slug or None}
                case _:
                    return {"title": "A"}

    return make


@pytest.mark.parametrize(("method", "path", "what"), TABLE)
def test_access__for_every_role__is_as_in_the_table(clients, there, body, method, path, what):
    found = {}
    for role, one in clients.items():
        key = there(what) if what else ""
        target = (path if path.startswith("/") else V1 + path).replace("<slug>", str(key))
        sent = body(method, path, key) if method in ("POST", "PUT", "PATCH") else None
        answer = one.request(method, target.replace("<pk>", str(key)), json=sent)
        found[role] = answer.status_code
        if answer.status_code == 401:
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'

    assert found == dict(zip(ROLES, TABLE[method, path, what], strict=True))


def test_actions__of_a_draft__are_offered_to_those_who_may_take_them(alice, carol, viewer, there):
    draft = f"{V1}posts/{there('draft')}/"

    assert [list(one.get(draft).json()["actions"]) for one in (alice, carol)] == [["publish"]] * 2
    assert viewer.get(draft).json()["actions"] == {}
