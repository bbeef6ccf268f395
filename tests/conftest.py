"""What all tests share: fixed seeds, hypothesis profiles, and skips that say what is missing.

``MINIGRAD_REQUIRE=1`` (set in continuous integration) turns every such skip into a failure,
so nothing goes unchecked in silence.  ``HYPOTHESIS_PROFILE=ci`` draws more examples.
"""

from __future__ import annotations

import importlib.util
import os
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Per marker: what is missing (nothing, if all is well), and how to get it.
NEEDS = {
    "torch": lambda: None if importlib.util.find_spec("torch") else "PyTorch (pip install torch)",
    "jax": lambda: None if importlib.util.find_spec("jax") else "JAX (pip install jax)",
    "pooch": lambda: None if importlib.util.find_spec("pooch") else "pooch (pip install pooch)",
    "tensorboard": lambda: (
        None if importlib.util.find_spec("tensorboardX") else "tensorboardX (pip install tensorboardX)"
    ),
    "dot": lambda: None if shutil.which("dot") else "Graphviz' program dot (apt install graphviz)",
    "npm": lambda: (
        None if shutil.which("npm") and shutil.which("node") else "npm (apt install nodejs npm)"
    ),
    "browser": lambda: (
        "Playwright (pip install playwright)"
        if not importlib.util.find_spec("playwright")
        else None
        if os.environ.get("MINIGRAD_CHROMIUM") or any(map(shutil.which, BROWSERS))
        else "a browser: " + ", ".join(BROWSERS)
    ),
}

quiet = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much],
}
settings.register_profile("default", max_examples=25, derandomize=True, **quiet)
settings.register_profile("ci", max_examples=300, print_blob=True, **quiet)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def missing(what: str) -> None:
    """Skip the running test because something is not installed, or fail it where it must be."""
    if os.environ.get("MINIGRAD_REQUIRE") == "1":
        pytest.fail(f"MINIGRAD_REQUIRE=1, and this test needs {what}", pytrace=False)
    pytest.skip(f"needs {what}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers():
        lacking = NEEDS[marker.name]() if marker.name in NEEDS else None
        if lacking:
            missing(lacking)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "slow" in (config.option.markexpr or ""):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: run with -m slow"))


@pytest.fixture
def rng() -> np.random.Generator:
    """The same random numbers in every run."""
    return np.random.default_rng(20150211)
