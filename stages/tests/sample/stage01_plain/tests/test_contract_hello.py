def test_hello__asked__answers(browser):
    assert browser.get("/").content.startswith(b"hello")
