"""The FFTs are out, and with them complex numbers: every name of ``np.fft`` is here to say so.

>>> import minigrad as mg
>>> mg.fft.fft(mg.tensor([1.0, 2.0]))
Traceback (most recent call last):
minigrad.errors.UnsupportedError: mg.fft.fft: ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import UnsupportedError
from .syntax import HINTS

REASON = (
    "Fourier transforms are complex, and complex numbers are out: the derivative of a complex function "
    "needs a convention of its own. Write the real and imaginary parts, mg.matmul(mg.cos(angles), x) "
    "and mg.matmul(mg.sin(angles), x); or leave the graph with np.fft on x.numpy()."
)
SHIFT = "Shifting is mg.roll(x, shift, axis)."
__all__ = [
    name for name in np.fft.__all__ if callable(getattr(np.fft, name)) and not name.endswith("fftfreq")
]


def _refusal(name: str) -> Callable[..., Any]:
    hint = SHIFT if name.endswith("shift") else REASON
    HINTS[getattr(np.fft, name)] = hint

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise UnsupportedError(f"mg.fft.{name}: minigrad does not have it. {hint}")

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Refused. {hint}"
    return refuse


globals().update({name: _refusal(name) for name in __all__})
