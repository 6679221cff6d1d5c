"""What is tried with JSON Web Tokens (RFC 8725), and what ends them before their time."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic, time
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.test import Client
from django.utils.timezone import now
from test_02_sql import waiting_for_locks

from accounts import services
from accounts.models import TokenFamily, User
from tests.conftest import account, committed

POSTS = "/api/v1/posts/"
ME, REFRESH = "/api/v1/auth/me/", "/api/v1/auth/token/refresh/"
KEY = settings.SIMPLE_JWT["SIGNING_KEY"]
DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def encode(part):
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return urlsafe_b64encode(text).rstrip(b"=").decode()


def sign(claims, key=KEY, alg="HS256", **header):
    """A token as an attacker would make it, with any header."""
    content = f"{encode({'typ': 'JWT', 'alg': alg, **header})}.{encode(claims)}"
    digest = DIGESTS.get(alg, "sha256")
    return f"{content}.{encode(hmac.digest(key.encode(), content.encode(), digest))}"


def unsigned(claims, alg):
    return f"{encode({'typ': 'JWT', 'alg': alg})}.{encode(claims)}."


def tampered(claims, token):
    header, _, signature = token.split(".")
    return f"{header}.{encode({**claims, 'sub': '1'})}.{signature}"


def without(claims, name):
    return sign({key: value for key, value in claims.items() if key != name})


OWN_KEY = {"kty": "oct", "k": encode(b"k" * 32)}
ATTACKS = {
    "alg none": lambda claims, token: unsigned(claims, "none"),
    "alg nOnE": lambda claims, token: unsigned(claims, "nOnE"),
    "alg none, signed": lambda claims, token: sign(claims, alg="none"),
    "no signature": lambda claims, token: token[: token.rindex(".") + 1],
    "no dot": lambda claims, token: token.replace(".", ""),
    "alg RS256": lambda claims, token: sign(claims, alg="RS256"),
    "alg HS512": lambda claims, token: sign(claims, alg="HS512"),
    "alg missing": lambda claims, token: sign(claims, alg=None),
    "no object": lambda claims, token: sign([]),
    "tampered": tampered,
    "another key": lambda claims, token: sign(claims, key="k" * 32),
    "the key of sessions": lambda claims, token: sign(claims, key=settings.SECRET_KEY),
    "a key in the header": lambda claims, token: sign(claims, key="k" * 32, jwk=OWN_KEY),
    "another issuer": lambda claims, token: sign({**claims, "iss": "elsewhere"}),
    "no issuer": lambda claims, token: without(claims, "iss"),
    "another audience": lambda claims, token: sign({**claims, "aud": "elsewhere"}),
    "no audience": lambda claims, token: without(claims, "aud"),
    "expired": lambda claims, token: sign({**claims, "exp": int(time()) - 1}),
    "no expiry": lambda claims, token: without(claims, "exp"),
    "an expiry that is no time": lambda claims, token: sign({**claims, "exp": "never"}),
    "not yet valid": lambda claims, token: sign({**claims, "nbf": int(time()) + 60}),
    "issued in the future": lambda claims, token: sign({**claims, "iat": int(time()) + 60}),
    "of type refresh": lambda claims, token: sign({**claims, "token_type": "refresh"}),
    "of no type": lambda claims, token: without(claims, "token_type"),
    "no jti": lambda claims, token: without(claims, "jti"),
    "no family": lambda claims, token: without(claims, "sid"),
    "another family": lambda claims, token: sign({**claims, "sid": str(uuid4())}),
}


@pytest.fixture
def pair():
    return committed(services.log_in, user=committed(account, "alice@example.com"))


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def asks(client, token):
    return client.get(ME, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_token__not_made_by_us_for_this__is_refused(client, problem, pair, attack):
    claims = claims_of(pair["access"])
    assert asks(client, sign(claims)).status_code == 200

    answer = asks(client, attack(claims, pair["access"]))

    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_token__of_refresh__is_no_access_token_nor_the_other_way_round(client, problem, pair):
    problem(asks(client, pair["refresh"]), 401)
    problem(client.post(REFRESH, json={"refresh": pair["access"]}), 401)


def test_claims__of_both_tokens__are_bound_and_short_lived(pair):
    access, refresh = claims_of(pair["access"]), claims_of(pair["refresh"])

    for claims in (access, refresh):
        assert (claims["iss"], claims["aud"]) == ("strata", "strata")
        assert claims["sid"] == refresh["sid"]
    assert access["exp"] - access["iat"] == 600
    assert access["jti"] != refresh["jti"]
    assert "alice" not in json.dumps([access, refresh])


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer a b", "bearer x", "Basic YTpi", "Bearer " + "x" * 8000, "é", ""]
)
def test_header__that_is_no_bearer_token__is_refused(client, problem, header):
    problem(client.get(ME, headers={"Authorization": header.encode()}), 401)


@pytest.mark.parametrize("token", ["", "x", "é", "a.b.c", "x" * 2001, 1, None, {}])
def test_refresh__with_what_is_no_token__is_refused(client, token):
    assert client.post(REFRESH, json={"refresh": token}).status_code in (400, 401)


def someone():
    return committed(account, f"{uuid4().hex}@example.com")


def update(user, **fields):
    committed(User.objects.filter(id=user.id).update, **fields)


def change_password(user):
    user.set_password("quite another secret")
    user.save()


ENDS = {
    "deactivated": lambda user: update(user, is_active=False),
    "deleted": lambda user: committed(user.delete),
    "password changed": lambda user: committed(change_password, user),
    "family ended": lambda user: committed(user.token_families.all().delete),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_tokens__of_whom_something_has_ended__are_refused(client, problem, end):
    user = someone()
    pair = committed(services.log_in, user=user)
    assert asks(client, pair["access"]).status_code == 200

    end(user)

    problem(asks(client, pair["access"]), 401)
    problem(client.post(REFRESH, json={"refresh": pair["refresh"]}), 401)


def test_refresh__again_and_again__each_pair_is_good_once(client, pair):
    seen = {pair["refresh"]}
    for _ in range(3):
        answer = client.post(REFRESH, json={"refresh": pair["refresh"]})
        assert answer.headers["Cache-Control"] == "no-store"
        pair = answer.json()
        assert asks(client, pair["access"]).status_code == 200
        seen.add(pair["refresh"])
    assert len(seen) == 4


def test_refresh__by_a_token_from_before__ends_the_family(client, problem, pair):
    first = pair["refresh"]
    for _ in range(2):
        pair = client.post(REFRESH, json={"refresh": pair["refresh"]}).json()

    problem(client.post(REFRESH, json={"refresh": first}), 401)

    problem(asks(client, pair["access"]), 401)


def test_refresh__while_a_log_out_is_under_way__is_no_theft(client, database_url, problem, pair):
    sid = claims_of(pair["access"])["sid"]
    with psycopg.connect(database_url) as log_out, ThreadPoolExecutor(1) as pool:
        log_out.execute("DELETE FROM accounts_tokenfamily WHERE id = %s", [sid])
        answer = pool.submit(client.post, REFRESH, json={"refresh": pair["refresh"]})
        deadline = monotonic() + 1.5  # before the lock_timeout of 2 s
        while not committed(waiting_for_locks):
            assert monotonic() < deadline
        log_out.commit()

    assert "has ended" in problem(answer.result(), 401)["detail"]


def test_log_in__of_an_account_with_old_families__forgets_them():
    user = someone()
    for days in (6, 8):
        committed(services.log_in, user=user)
        newest = TokenFamily.objects.filter(user=user).order_by("-renewed_at").first()
        family = TokenFamily.objects.filter(id=newest.id)
        committed(family.update, renewed_at=now() - timedelta(days=days))

    committed(services.log_in, user=user)

    ages = [now() - family.renewed_at for family in TokenFamily.objects.filter(user=user)]
    assert sorted(age.days for age in ages) == [0, 6]


def test_queries__of_a_token__are_one(alice, client, new_post, django_assert_num_queries):
    post = new_post(published=True)["url"].removeprefix(str(client.base_url).rstrip("/"))
    budget = {POSTS: 1, post: 1, f"{post}comments/": 2}
    for path, queries in budget.items():
        for headers, more in (({}, 0), (dict(alice.headers), 1)):
            with django_assert_num_queries(queries + more):
                assert Client(headers=headers).get(path).status_code == 200
