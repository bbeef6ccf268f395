"""A browser for the tests of the page: Chromium, driven by Playwright, without any network."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.conftest import BROWSERS


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests; ``MINIGRAD_CHROMIUM`` names another than that on the PATH."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("MINIGRAD_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A page, with all that it asked for and complained about."""

    def __init__(self, browser, path, fragment="", **options):
        options.setdefault("viewport", {"width": 1400, "height": 900})
        self.context = browser.new_context(offline=True, reduced_motion="reduce", **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.requests, self.complaints = [], []
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("console", lambda m: self.complaints.append(m.text))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("dialog", lambda d: self.complaints.append(d.message))
        self.open(path, fragment)

    def open(self, path, fragment=""):
        """Another file, in the same window."""
        self.check()
        self.requests.clear()
        self.page.goto(path.as_uri() + fragment)

    def check(self):
        """No complaint, and no request but that for the page itself."""
        assert self.complaints == []
        assert len(self.requests) <= 1, self.requests

    def close(self):
        self.context.close()


@pytest.fixture
def opened(chromium):
    """Opens pages, and closes them; a page that complains fails its test."""
    pages = []

    def open_(path, fragment="", **options):
        pages.append(Watched(chromium, path, fragment, **options))
        return pages[-1]

    yield open_
    for watched in pages:
        watched.close()
        watched.check()
        assert len(watched.requests) == 1
