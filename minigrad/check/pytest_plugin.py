"""The pytest plugin: a ``gradcheck`` fixture, and options for its mode, seed and reports.

It is found by itself once minigrad is installed::

    def test_my_layer(gradcheck):
        gradcheck.pair(forward, backward, (x, gamma, beta))
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .report import Report

MODES = ("auto", "sketch", "full")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the command line."""
    group = parser.getgroup("gradcheck", "gradient checks (minigrad)")
    group.addoption(
        "--gradcheck-mode", choices=MODES, help="random directions, or entry by entry (default: auto)"
    )
    group.addoption("--gradcheck-seed", type=int, metavar="N", help="of everything random (default: 0)")
    group.addoption(
        "--gradcheck-report", metavar="DIR", help="folder for failing reports (JSON) and pictures (SVG)"
    )


class Gradcheck:
    """What the fixture gives: :func:`minigrad.gradcheck`, and a failure that says everything.

    Calling it, or `pair` or `against`, takes the arguments of :func:`minigrad.gradcheck`,
    :func:`minigrad.check_pair` and :func:`minigrad.check_against`.  The options of the command
    line apply where the test itself does not say otherwise.
    """

    def __init__(self, config: pytest.Config, test: str) -> None:
        self._config, self._test, self._written = config, test, 0

    def __call__(self, f: Any, inputs: Any, *further: Any, **options: Any) -> Report:
        """Check a function; raises if it does not pass."""
        from ..errors import ArgumentError
        from .api import gradcheck

        if further or callable(inputs):
            raise ArgumentError(
                "gradcheck(f, inputs) checks a function of minigrad. A forward with its hand-written "
                "backward is gradcheck.pair(forward, backward, inputs)."
            )
        return self._judge(gradcheck(f, inputs, **self._options(options)))

    def pair(self, forward: Any, backward: Any, inputs: Any, **options: Any) -> Report:
        """Check a hand-written pair; raises if it does not pass."""
        from .api import check_pair

        return self._judge(check_pair(forward, backward, inputs, **self._options(options)))

    def against(self, f: Any, g: Any, inputs: Any, **options: Any) -> Report:
        """Check two implementations; raises if they do not pass."""
        from .api import check_against

        return self._judge(check_against(f, g, inputs, **self._options(options)))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        for name in ("mode", "seed"):
            value = self._config.getoption(f"--gradcheck-{name}")
            if value is not None:
                options.setdefault(name, value)
        return options

    def _judge(self, report: Report) -> Report:
        __tracebackhide__ = True
        if report:
            return report
        text = report.text()
        folder = self._config.getoption("--gradcheck-report")
        if folder:
            text += f"\nreport: {self._save(report, Path(folder))}"
        pytest.fail(text, pytrace=False)

    def _save(self, report: Report, folder: Path) -> Path:
        """Write JSON and picture, named after the test."""
        from ..files import write_atomically

        folder.mkdir(parents=True, exist_ok=True)
        self._written += 1
        stem = re.sub(r"[^\w.-]+", "_", self._test).strip("_")
        stem += f"-{self._written}" if self._written > 1 else ""
        report.figure(folder / f"{stem}.svg")
        return write_atomically(folder / f"{stem}.json", report.json() + "\n")


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Gradcheck:
    """Gradient checks: ``gradcheck(f, inputs)``, ``gradcheck.pair(forward, backward, inputs)``."""
    return Gradcheck(request.config, request.node.nodeid)
