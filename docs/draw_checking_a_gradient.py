"""Draw the picture of checking-a-gradient.md: a batch norm backward whose eps went missing.

Run it from anywhere: ``python docs/draw_checking_a_gradient.py``.  It needs NumPy only.
"""

from pathlib import Path

import numpy as np

import minigrad as mg


def forward(x, gamma, beta):
    mean = x.mean(axis=0)
    return gamma * (x - mean) / np.sqrt(((x - mean) ** 2).mean(axis=0) + 1e-5) + beta


def backward(x, gamma, beta, dy):
    centred = x - x.mean(axis=0)
    variance = (centred**2).mean(axis=0)
    inverse = 1 / np.sqrt(variance + 1e-5)
    g = gamma * dy
    through_variance = centred * (g * centred).mean(axis=0) / variance  # without its eps
    dx = inverse * (g - g.mean(axis=0) - through_variance)
    return dx, (dy * centred * inverse).sum(axis=0), dy.sum(axis=0)


rng = np.random.default_rng(0)
inputs = rng.normal(size=(12, 6)), rng.uniform(0.5, 1.5, 6), rng.normal(size=6)
report = mg.check_pair(forward, backward, inputs, wrt="x", name="batch norm, eps missing")
path = Path(__file__).with_name("checking-a-gradient.svg")
report.figure(path)
print(path)
