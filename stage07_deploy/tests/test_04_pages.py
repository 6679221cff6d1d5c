"""What people do with the API on its pages, in a real browser."""

pytest_plugins = ["tests.pages"]


def test_swagger__authorized_with_a_token__may_write(open_page, alice):
    page = open_page("/api/docs/")
    token = alice.headers["Authorization"].removeprefix("Bearer ")

    page.locator(".btn.authorize").click()
    dialog = page.locator(".dialog-ux")
    bearer = dialog.locator(".auth-container", has=page.locator("#auth-bearer-value"))
    bearer.locator("input").fill(token)
    bearer.get_by_role("button", name="Apply credentials").click()
    dialog.locator(".close-modal").click()
    operation = page.locator(".opblock-post", has=page.locator("[data-path='/api/v1/todos/']"))
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.locator("textarea").fill('{"title": "Written on the page"}')
    operation.get_by_role("button", name="Execute").click()

    answer = operation.locator(".live-responses-table .response")
    assert answer.locator(".response-col_status").inner_text() == "201"
    newest = alice.get("/api/v1/todos/?page_size=1").json()["results"]
    assert [todo["title"] for todo in newest] == ["Written on the page"]
