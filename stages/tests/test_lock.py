"""The locks of all packages."""

import re

import pytest
from checkouts import ROOT

from stages import lock
from stages.layout import BROWSER_LOCK, CHECKOV_LOCK, LOCK

LOCKS = [LOCK, BROWSER_LOCK, CHECKOV_LOCK]
each = pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.name)


@each
def test_lock__committed__names_no_place(file):
    text = file.read_text()
    assert "--hash=sha256:" in text
    assert not re.search(r"://|--(extra-)?index|--find-links|@ ", text)
    assert str(ROOT) not in text


@each
def test_lock__committed__is_current(file):
    assert lock.is_current(file)


@each
def test_lock__dependency_group_changed__is_not_current(monkeypatch, file):
    groups = {"stage01": ["django>=9"], "browser": ["playwright>=9"], "checkov": []}
    monkeypatch.setattr(lock, "pyproject", lambda: {"dependency-groups": groups})
    assert not lock.is_current(file)


def test_lock__written_again__keeps_versions_and_private_places_out(checkout, tmp_path):
    private = {"UV_FIND_LINKS": str(tmp_path), "PIP_FIND_LINKS": str(tmp_path)}
    done = checkout.stage("lock", **private)
    assert done.returncode == 0, done.stderr
    for file in LOCKS:
        assert (checkout.path / "stages" / file.name).read_text() == file.read_text()
