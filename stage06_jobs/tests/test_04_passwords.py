"""What becomes of a password's hash when others are at work on it."""

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from test_04_auth import SECRET, new, stored

from accounts.services import change_password
from tests.conftest import committed

OLD = PBKDF2PasswordHasher().encode(SECRET, "salt", 1000)


def test_hash__renewed_by_two_log_ins_at_once__ends_neither():
    credentials = new(password=OLD)
    first, second = stored(credentials), stored(credentials)

    assert committed(first.check_password, SECRET)
    assert committed(second.check_password, SECRET)

    assert first.password == second.password == stored(credentials).password


def test_hash__renewed_while_the_password_changes__does_not_bring_back_the_old():
    credentials = new(password=OLD)
    late, user = stored(credentials), stored(credentials)
    committed(change_password, user=user, password="another secret")

    assert not committed(late.check_password, SECRET)

    assert stored(credentials).check_password("another secret")


def test_authenticate__by_the_name_of_the_field__knows_the_account():
    credentials = new()

    assert committed(authenticate, None, **credentials) == stored(credentials)
