"""The lock of all packages."""

import re

from checkouts import ROOT

from stages import lock
from stages.layout import LOCK


def test_lock__committed__names_no_place():
    text = LOCK.read_text()
    assert "--hash=sha256:" in text
    assert not re.search(r"://|--(extra-)?index|--find-links|@ ", text)
    assert str(ROOT) not in text


def test_lock__committed__is_current():
    assert lock.is_current()


def test_lock__dependency_group_changed__is_not_current(monkeypatch):
    groups = {"stage01": ["django>=9"]}
    monkeypatch.setattr(lock, "pyproject", lambda: {"dependency-groups": groups})
    assert not lock.is_current()


def test_lock__written_again__keeps_versions_and_private_places_out(checkout, tmp_path):
    private = {"UV_FIND_LINKS": str(tmp_path), "PIP_FIND_LINKS": str(tmp_path)}
    done = checkout.stage("lock", **private)
    assert done.returncode == 0, done.stderr
    assert (checkout.path / "stages" / "requirements.lock").read_text() == LOCK.read_text()
