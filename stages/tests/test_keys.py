"""The secret keys that ./stage makes for a clone."""

import json
import shutil
import stat

import pytest
from checkouts import wait_until

NAMES = ["SECRET_KEY", "JWT_SIGNING_KEY"]
ECHO = f"import json, os; print(json.dumps([os.environ.get(name) for name in {NAMES}]))"


@pytest.fixture
def signing_stage(checkout):
    """A stage 4 of the checkout, which needs keys."""
    return shutil.copytree(checkout.path / "stage02_data", checkout.path / "stage04_signed")


def keys(checkout, number, **env):
    done = checkout.stage("manage", number, "shell", "-v", "0", "-c", ECHO, **env)
    return json.loads(done.stdout)


def test_keys__stage_signs__are_long_kept_and_for_the_owner_alone(checkout, signing_stage):
    first = keys(checkout, "4")
    assert all(len(key) >= 50 for key in first)
    assert len(set(first)) == 2
    assert keys(checkout, "4") == first
    files = [checkout.path / ".strata" / "keys" / name for name in NAMES]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_keys__two_clones__have_different_ones(new_checkout):
    clones = [new_checkout() for _ in range(2)]
    for clone in clones:
        clone.use_our_environment()
        shutil.copytree(clone.path / "stage02_data", clone.path / "stage04_signed")
    assert not set(keys(clones[0], "4")) & set(keys(clones[1], "4"))


def test_keys__in_the_environment__win(checkout, signing_stage):
    given = keys(checkout, "4", SECRET_KEY="mine")
    assert given[0] == "mine"
    assert given[1] != "mine"


def test_keys__stage_signs_nothing__are_not_given(checkout):
    assert keys(checkout, "2") == [None, None]


def test_keys__servers_up__stand_in_the_env_file(checkout, signing_stage, port):
    call = checkout.start("run", "4", "--port", str(port))
    file = signing_stage / ".env"
    text = wait_until(lambda: file.exists() and file.read_text(), "the file is written")
    for name in NAMES:
        made = (checkout.path / ".strata" / "keys" / name).read_text()
        assert f"\n{name}={made}\n" in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    call.end()
