"""The laboratory: claims about batch normalization, run and judged.

Every experiment of :mod:`minigrad.lab.experiments` is one file: the claim and where it is from, the
set-up, what was expected, and a function that measures.  ``minigrad lab list`` names them,
``minigrad lab run NAME`` runs one and writes what came out as JSON and as a figure.

>>> from minigrad.lab import experiments
>>> experiments()["broadcast"].row
'A10'
"""

from .experiment import Bench, Experiment, Outcome, Verdict, experiment
from .run import experiments, run

__all__ = ["Bench", "Experiment", "Outcome", "Verdict", "experiment", "experiments", "run"]
