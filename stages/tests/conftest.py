"""Fixtures: throw-away checkouts of the tool."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from checkouts import Checkout, free_port


@pytest.fixture
def new_checkout() -> Iterator[Callable[[], Checkout]]:
    """Makes checkouts whose path has a space and an umlaut, and leaves nothing of them."""
    made: list[Checkout] = []

    def make() -> Checkout:
        made.append(Checkout(Path(tempfile.mkdtemp(prefix="strata tést "))))
        return made[-1]

    yield make
    for checkout in made:
        checkout.clean_up()


@pytest.fixture
def bare_checkout(new_checkout: Callable[[], Checkout]) -> Checkout:
    """A checkout as git clone gives it, without an environment."""
    return new_checkout()


@pytest.fixture
def checkout(bare_checkout: Checkout) -> Checkout:
    """A checkout that is ready to be used."""
    bare_checkout.use_our_environment()
    return bare_checkout


@pytest.fixture
def port() -> int:
    return free_port()
