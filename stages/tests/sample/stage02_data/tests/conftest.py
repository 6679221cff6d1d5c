import pytest
from django.test import Client


@pytest.fixture
def browser(db):
    return Client()
