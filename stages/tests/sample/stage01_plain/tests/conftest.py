import pytest
from django.test import Client


@pytest.fixture
def browser():
    return Client()
