"""Small networks on one thread."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from minigrad.threads import one_thread


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_one_thread_within_the_block_and_as_before_after_it() -> None:
    np.ones((4, 4)) @ np.ones((4, 4))
    before = threads()
    assert before
    with one_thread():
        assert threads() == {1}
    assert threads() == before


def test_without_the_library_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    before = threads()
    with one_thread():
        assert threads() == before
