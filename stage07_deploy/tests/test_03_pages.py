"""What people see of the API: its pages, in a real browser."""

pytest_plugins = ["tests.pages"]


def test_swagger__a_list_is_executed__shows_the_answer(open_page, new_post):
    slug = new_post(published=True)["slug"]
    page = open_page("/api/docs/")

    operation = page.locator(".opblock-get", has=page.locator("[data-path='/api/v1/posts/']"))
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()

    answer = operation.locator(".live-responses-table .response")
    assert answer.locator(".response-col_status").inner_text() == "200"
    assert slug in answer.locator(".response-col_description").inner_text()


def test_redoc__opened__shows_the_operations_and_asks_no_other_machine(open_page):
    page = open_page("/api/redoc/")

    page.get_by_role("heading", name="Strata").wait_for()
    page.get_by_role("link", name="API docs by Redocly").wait_for()  # has their logo beside it
