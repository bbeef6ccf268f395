"""Small networks on one thread: several would only wait for one another."""

from __future__ import annotations

import contextlib
from typing import Any


def one_thread() -> Any:
    """Keep the matrix products of a block on one thread, where threadpoolctl is installed.

    The products of small networks gain nothing from more, and on a machine that is busy with
    something else the threads wait for one another: nine times as long on two cores, measured
    with an experiment of the laboratory.

    Returns
    -------
    context manager

    Examples
    --------
    >>> with one_thread():
    ...     pass
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:  # it is a matter of time alone
        return contextlib.nullcontext()
    return threadpool_limits(1)
