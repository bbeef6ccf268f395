"""Gradient checks that can be believed: the verdict follows from measured error bounds.

>>> import minigrad as mg, numpy as np
>>> mg.gradcheck(mg.exp, np.array([0.0, 1.0])).verdict
'PASS'
"""

from .adapters import from_jax, from_torch
from .api import check_against, check_pair, gradcheck
from .discover import checked
from .report import Curve, Entry, Issue, Report

__all__ = [
    "Curve", "Entry", "Issue", "Report", "check_against", "check_pair", "checked", "from_jax",
    "from_torch", "gradcheck",
]  # fmt: skip
