"""Batch normalization, the showpiece: composed from primitives, and fused by hand.

Beside it stand its rivals (a penalty, renormalising after each step) and whitening, which also
removes correlations.

>>> import minigrad as mg, numpy as np
>>> x = np.random.default_rng(0).normal(5.0, 2.0, (8, 3))
>>> y = mg.batchnorm.composed(x, np.ones(3), np.zeros(3))
>>> bool(np.allclose(y.mean(axis=0), 0.0)), bool(np.allclose(y.var(axis=0), 1.0, atol=1e-4))
(True, True)
"""

from .composed import composed
from .fused import fused
from .rivals import Renormalised, penalty, renormalise
from .whitening import newton_schulz, zca

__all__ = ["Renormalised", "composed", "fused", "newton_schulz", "penalty", "renormalise", "zca"]
