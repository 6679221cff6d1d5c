import pytest


@pytest.mark.proof(claim="words are kept in a database", before="memory")
def test_place__asked__is_a_database(browser):
    assert b"stage02_data" in browser.get("/").content


@pytest.mark.guard(claim="it still says hello")
def test_hello__asked__still_answers(browser):
    assert b"hello" in browser.get("/").content
