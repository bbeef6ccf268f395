"""The page ``docs/primitives.md``: every primitive with its rules and its measured error.

Write it again with ``python -m tests.primitives_page``.  The page comes from the registry and from
the same samples and oracles as the tests, so it cannot say anything that they do not check.
"""

from __future__ import annotations

import math
import os
import re
import tempfile
import zlib
from pathlib import Path

import numpy as np

from minigrad.primitive import Primitive
from tests import checks, oracles

PAGE = Path(__file__).parent.parent / "docs" / "primitives.md"

FAMILIES = {
    "elementwise": "A partial derivative per input; both modes follow.",
    "linear": "The transpose; the JVP is the primitive itself.",
    "bilinear": "A transpose per input; the JVP follows.",
    "general": "Both rules by hand, checked against each other.",
    "nondifferentiable": "No derivative: zero on purpose.",
}

START = """\
# The primitives

Everything that minigrad can differentiate is made of the primitives below. This page is written from
the registry by `python -m tests.primitives_page`; a test fails when it is stale.

*Error* is the largest deviation of a float64 pullback from the derivative by the complex step, over
all samples of the tests, in units of `eps * (|J|ᵀ |g|)` and rounded up to a power of two: 1 is one
rounding of a sum of the absolute terms. Above 2, a † says that the comparison itself is no more exact
than that: SciPy and LAPACK have no long double, and some of their functions no complex numbers, so
that extrapolated differences stand in. *At kinks* says what was chosen where there is no derivative.

A new primitive is one declaration in one file of `minigrad/ops`: its name, its NumPy implementation,
its rules, the two formulas, samples, a docstring with an example. From the registry follow its entry
here, its function in `mg` and behind NumPy's function of that name, and its tests: value, both modes
against each other and against the oracles, second order, dtypes, memory layouts, NaN and infinity.
The tests say by name what they cannot know: the value of a function that NumPy does not have
(`REFERENCES` in `tests/test_registry.py`), the derivatives at a kink that the declaration documents
(`KINKS` in `tests/checks.py`), and, for a function that PyTorch also has, six shapes to compare it at
(the tables that `tests/ops/test_torch_coverage.py` counts; elementwise ones are compared unasked).
"""

END = """\
## What is refused, and why

| what | why | instead |
|---|---|---|
| complex numbers, FFTs | the derivative of a complex function needs a convention of its own | real and imaginary parts |
| `np.linalg.eig`, `eigvals` | eigenvalues of a matrix that is not symmetric are complex | `mg.linalg.eigh`, `svdvals` |
| gradients of `svd(full_matrices=True)` and `qr(mode="complete")` of a matrix that is not square, `qr(mode="raw")` | the further vectors are free to turn | `full_matrices=False`, `mode="reduced"` |
| the third derivative of `det` at singular matrices (the first two are exact there) | its rule takes the inverse: `LinAlgError` | a sum of products for small matrices |
| gradients of eigenvectors and singular vectors at equal values | there the vectors are no functions of the matrix: infinite or NaN; close values lose digits | `eigvalsh`, `svdvals`, whose gradients are exact |
| `np.cross` of vectors with two components | deprecated in NumPy | `a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]` |
| long double in `solve`, `inv`, `det`, `eigh`, `svd`, ... | LAPACK has none | float64; `cholesky` and `solve_triangular` take it |
| `out=`, `np.add.at`, `np.put`, `np.copyto`, `np.fill_diagonal`, ... | tensors are immutable | the result; `x.at[index].set(v)`, `.add(v)`, ... |
| `where=`, `casting=`, `order=`, `subok=` of ufuncs | with `where=`, the rest of the result would be uninitialised memory | `mg.where` |
| `np.add.reduceat` | a sum per range has other names here | `mg.cumsum`, `x.at[index].add(v)` |
| bits of integers (`&` and its kin on numbers) | tensors of integers are data | `x.numpy()`; booleans work |
| `weights=` of `quantile` and `percentile`, weights of `cov` | the estimates are not defined by NumPy alike for all methods | `mg.sort`, `mg.cumsum`, `mg.matmul` |
| gradients in `q` of `quantile`, `repeats`, `shift`, `pad_width` | these are data; a tracked tensor raises | `.detach()` |
| `np.pad` with `linear_ramp`, `maximum`, `mean`, `median`, `minimum`, `empty`, `reflect_type="odd"` | borders that are computed | `mg.concatenate` |
| `order="A"` and `order="K"` of `reshape` and `ravel` | tensors hide how memory is laid out | `"C"` or `"F"` |
| `np.histogram`, `np.bincount`, `np.lexsort`, ... | counts and orders are data | `x.numpy()` |
| `mg.trace` of a matrix | the name records a graph | `np.trace(x)`, `x.trace()`, `mg.matrix_trace(x)` |
"""


def measured(primitive: Primitive) -> tuple[float, bool]:
    """The largest deviation of the pullback from the oracle, in units of the absolute terms.

    And whether the oracle's own error bound is as large.
    """
    rng = np.random.default_rng(zlib.crc32(primitive.name.encode()))
    worst, vague = 0.0, False
    for case in checks.cases(primitive):
        with np.errstate(all="ignore"):
            jacobian, bound = case.jacobian
            _, g = case.draw(rng)
            wide = oracles.ravel(g).astype(oracles.WIDE)
            found = oracles.ravel(checks.pull(case, g)).astype(oracles.WIDE)
        size = np.abs(jacobian).T @ np.abs(wide)
        apart = np.abs(found - jacobian.T @ wide)
        some = size > 0
        if some.any():
            relative = apart[some] / (size[some] * case.eps)
            if relative.max() > worst:
                worst = float(relative.max())
                vague = bool((bound.T @ np.abs(wide))[some][relative.argmax()] >= apart[some].max() / 2)
        assert not (np.abs(found[~some]) > 0).any(), f"{primitive.name}: not zero where nothing depends"
    return worst, vague


def rounded(error: float, vague: bool) -> str:
    """An error as a power of two that is not below it, marked if the comparison is no better.

    Examples
    --------
    >>> rounded(0.0, False), rounded(0.3, True), rounded(1.1, False), rounded(5.0, True)
    ('0', '0.5', '2', '8†')
    """
    power = 2.0 ** max(math.ceil(math.log2(error)), -1) if error > 0 else 0.0
    return f"{power:g}" + "†" * (vague and power > 2)


def formula(latex: str) -> str:
    """A formula for a cell of a table, in which a bar would end the cell.

    Examples
    --------
    >>> print(formula(r"|x|"))
    $`\\vert x\\vert `$
    """
    if not latex:
        return ""
    return "$`" + re.sub(r"(\\?)\|", lambda m: r"\Vert " if m[1] else r"\vert ", latex) + "`$"


def row(primitive: Primitive, error: str) -> str:
    """A line of the table."""
    called = primitive.function.__name__
    cells = [
        f"`{primitive.name}`" + (f" (`{called}`)" if called != primitive.name else ""),
        formula(primitive.formula),
    ]
    if primitive.differentiable:
        cells += [formula(primitive.vjp_formula), error, primitive.kink]
    return "| " + " | ".join(cells) + " |"


def page(errors: dict[str, str]) -> str:
    """The whole page, with the errors that it is to state."""
    parts = [START]
    for family, words in FAMILIES.items():
        members = [p for p in checks.everything() if p.family == family]
        head = ["name", "value"]
        head += ["pullback of g", "error", "at kinks"] if family != "nondifferentiable" else []
        lines = [row(p, errors.get(p.name, "")) for p in members]
        table = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *lines]
        parts.append(
            f"## {family.capitalize()} ({len(members)})\n\n{words}\n\n" + "\n".join(table) + "\n"
        )
    return "\n".join([*parts, END])


def stated(text: str) -> dict[str, str]:
    """The errors that a page states, by primitive."""
    found = {}
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == 5:
            found[cells[0].split("`")[1]] = cells[3]
    return found


def measure() -> dict[str, tuple[float, bool]]:
    """The error of every primitive that has a derivative."""
    return {p.name: measured(p) for p in checks.everything() if p.differentiable}


def main() -> None:
    """Measure, and write the page in one step."""
    text = page({name: rounded(*error) for name, error in measure().items()})
    with tempfile.NamedTemporaryFile("w", dir=PAGE.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, PAGE)


if __name__ == "__main__":
    main()
