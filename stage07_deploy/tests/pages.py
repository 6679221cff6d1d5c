"""Pages of the service in Chromium, where there is one and a driver for it."""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

STAGE = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


def watch(page: Any, service: str, faults: list[str]) -> None:
    """Keeps a page from all but the service, and notes its faults."""

    def guard(route: Any) -> None:
        if route.request.url.startswith((f"{service}/", "data:", "blob:")):
            route.continue_()
        else:
            faults.append(f"asks for {route.request.url}")
            route.abort()

    def hear(said: Any) -> None:
        # An image that the page's own policy has stopped was asked of nobody.
        if said.type == "error" and not said.text.startswith("Loading the image"):
            faults.append(said.text)

    page.route("**/*", guard)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", hear)


@pytest.fixture
def open_page(request: pytest.FixtureRequest, start_web: Callable[..., Any]) -> Iterator[Any]:
    """Opens a page of the service, which has no network but this machine.

    At the end none may have asked for another machine, had an error, or said so on the console.
    A picture of each stays in pytest's cache, under `d/pages`.
    """
    if not CHROMIUM:
        pytest.skip("no browser on this machine: install chromium to test the pages in it")
    if not find_spec("playwright"):
        pytest.skip("nothing to drive the browser: pip install playwright")
    from playwright.sync_api import sync_playwright

    web = start_web(DEBUG="true")
    pictures = request.config.cache.mkdir("pages")  # type: ignore[union-attr]
    faults: list[str] = []
    pages: list[Any] = []

    def open_(path: str) -> Any:
        pages.append(browser.new_page())
        watch(pages[-1], web.url, faults)
        pages[-1].goto(web.url + path)
        return pages[-1]

    sandbox = os.geteuid() != 0  # In which Chromium refuses to run as root.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=sandbox)
        yield open_
        for number, page in enumerate(pages, 1):
            picture = f"{STAGE.name}-{request.node.name}-{number}.png"
            page.screenshot(path=pictures / picture, full_page=True)
        browser.close()
    assert not faults
