"""A real browser without a window, for pages that the project makes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def browser() -> Iterator[Chrome]:
    """The browser; a test that needs it is skipped where there is none."""
    program = next((path for name in _NAMES if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("the page is tried in a browser: this machine has no chromium with its chromedriver")
    options = ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # root may not have chromium's sandbox, and the pages are the project's own
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    driven = Chrome(options=options, service=ChromeService(driver))
    try:
        yield driven
    finally:
        driven.quit()


def view(driven: Chrome, width: int, height: int, scheme: str = "light", media: str = "screen") -> None:
    """The size, the colours and the medium that pages see."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driven.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driven.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
