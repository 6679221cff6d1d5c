"""The locks of all packages."""

import re
import subprocess
import sys

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


def test_lock__upgraded__takes_newer_versions_than_it_has(checkout):
    settings = checkout.path / "pyproject.toml"
    before, rest = settings.read_text().split("[dependency-groups]\n")
    groups = 'stage01 = ["idna"]\nbrowser = []\ncheckov = []\n'
    after = rest.partition("\n[")[2]
    settings.write_text(f"{before}[dependency-groups]\n{groups}\n[{after}")
    file = checkout.path / "stages" / LOCK.name
    file.write_text("idna==3.6\n")

    for arguments, kept in ([], True), (["--upgrade"], False):
        # Not by ./stage, which would first make an environment of the lock.
        command = [sys.executable, "-m", "stages", "lock", *arguments]
        subprocess.run(command, cwd=checkout.path, check=True)
        assert ("idna==3.6 " in file.read_text()) == kept
