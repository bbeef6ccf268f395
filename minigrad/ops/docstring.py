"""The docstring of an elementwise function: all have the same parameters and results."""

from __future__ import annotations


def document(summary: str, example: str, inputs: str = "x", note: str = "") -> str:
    """A numpydoc docstring.

    Parameters
    ----------
    summary : str
        One sentence.
    example : str
        Lines of a doctest, after the import.
    inputs : str
        Names of the inputs, as numpydoc lists them.
    note : str
        Text of a section *Notes*, if any.

    Returns
    -------
    str

    Examples
    --------
    >>> print(document("Twice x.", ">>> 2 * 1\\n2").splitlines()[0])
    Twice x.
    """
    notes = f"Notes\n-----\n{note}\n\n" if note else ""
    return (
        f"{summary}\n\nParameters\n----------\n{inputs} : array_like\n    Any shapes that broadcast; "
        "real.\n\nReturns\n-------\nTensor\n    Of the broadcast shape; a plain array for plain "
        f"arrays.\n\n{notes}Examples\n--------\n>>> import minigrad as mg\n{example}\n"
    )
