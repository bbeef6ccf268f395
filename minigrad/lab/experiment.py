"""What an experiment declares, what it is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ..errors import ArgumentError

Verdict = Literal["holds", "holds partly", "does not hold here"]

SOURCES = {
    "S0": "a blog post on the paper",
    "S1": "a glossary entry",
    "S2": "a note after Goodfellow, Bengio and Courville, Deep Learning, chapter 8",
    "S3": "a course lesson",
    "paper": "Ioffe and Szegedy, Batch Normalization, arXiv 1502.03167",
    "Santurkar": "Santurkar and others, How Does Batch Normalization Help Optimization?, 2018",
}


@dataclass
class Bench:
    """What an experiment works with.

    Attributes
    ----------
    quick : bool
        Whether it must be done within 20 seconds on one core, with fewer steps and seeds.
    seeds : tuple of int
        One run each.
    report : callable
        ``report(done, total, note)`` shows how far it is.
    """

    quick: bool
    seeds: tuple[int, ...]
    report: Callable[[int, int, str], None] = lambda done, total, note: None


@dataclass
class Outcome:
    """What was seen.

    Attributes
    ----------
    verdict : {"holds", "holds partly", "does not hold here"}
    summary : str
        What was measured, with the numbers, in a sentence or two.
    head, rows : sequences
        A table: its column heads, and cells as text.
    data : dict
        Numbers, lists and texts for the figure; must survive JSON.
    """

    verdict: Verdict
    summary: str
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.verdict not in get_args(Verdict):
            raise ArgumentError(
                f"Outcome: verdict is one of {get_args(Verdict)}, not {self.verdict!r}."
            )


@dataclass(frozen=True)
class Experiment:
    """A claim, and how it is put to the test.  Made by :func:`experiment`.

    Attributes
    ----------
    name : str
        As typed: its module's, with hyphens.
    row : str
        Its place in the list of claims: A for exact identities, B for mechanisms, C for more.
    claim : str
        In short, in its source's words.
    sources : tuple of str
        Keys of :data:`SOURCES`.
    setup, expected : str
        What is done, and what should come out if the claim is right.
    measure : callable
        From a :class:`Bench` to an :class:`Outcome`.
    draw : callable
        ``draw(figure, data)`` draws an outcome's data into a matplotlib figure.
    seeds, quick_seeds : int
        How many runs.
    """

    name: str
    row: str
    claim: str
    sources: tuple[str, ...]
    setup: str
    expected: str
    measure: Callable[[Bench], Outcome]
    draw: Callable[[Any, dict[str, Any]], None]
    seeds: int
    quick_seeds: int


def experiment(
    row: str,
    claim: str,
    sources: Sequence[str],
    setup: str,
    expected: str,
    draw: Callable[[Any, dict[str, Any]], None],
    seeds: int = 3,
    quick_seeds: int = 1,
) -> Callable[[Callable[[Bench], Outcome]], Experiment]:
    """Declare an experiment; the decorated function measures.

    Parameters
    ----------
    row, claim, sources, setup, expected, draw, seeds, quick_seeds
        See :class:`Experiment`.

    Returns
    -------
    callable
        The decorator; what it decorates becomes an :class:`Experiment`.
    """
    unknown = [s for s in sources if s not in SOURCES]
    if unknown:
        raise ArgumentError(f"experiment: there is no source {unknown[0]!r}, but {', '.join(SOURCES)}.")

    def declare(measure: Callable[[Bench], Outcome]) -> Experiment:
        name = measure.__module__.rpartition(".")[2].replace("_", "-")
        return Experiment(
            name, row, claim, tuple(sources), setup, expected, measure, draw, seeds, quick_seeds
        )

    return declare
