"""The functions that people call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ArgumentError
from .adapters import as_subject
from .against import compare
from .checker import Checker, Progress
from .pair import PairSubject
from .report import Report
from .verdict import conclude


def gradcheck(
    f: Callable[..., Any],
    inputs: Any,
    *,
    wrt: Any = "all",
    order: int = 1,
    mode: str = "auto",
    points: int = 3,
    cotangents: int = 2,
    seed: int = 0,
    require_resolution: float | None = None,
    strict: bool = True,
    names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check the derivatives of a function against numerical ones.

    Both modes are checked, for every floating input, at the given point and at jittered
    copies of it.  What is allowed follows from the measured errors of both sides, so there
    is no tolerance to choose; the report says how small an error would have been caught.

    Parameters
    ----------
    f : callable
        Of minigrad's functions; returns a tensor or nested tensors.  Functions of PyTorch and
        JAX are taken where the inputs are theirs, or through :func:`minigrad.check.from_torch`
        and :func:`minigrad.check.from_jax`.
    inputs : array_like, tuple, list or dict
        One entry per argument of f (nested containers are taken apart); a dict gives names.
        Integers, booleans and text are passed on as they are.
    wrt : "all", or names or numbers of inputs
        What to differentiate.
    order : {1, 2}
        With 2 the derivative of the gradient is checked as well.
    mode : {"auto", "sketch", "full"}
        Along random directions; or entry by entry as well; or the first, and the second for
        small inputs and after a failure.
    points : int
        The given point, and so many less one near it.
    cotangents : int
        Random cotangents per point.
    seed : int
        Of directions, cotangents and points.
    require_resolution : float, optional
        A coarser check is INCONCLUSIVE; by default 1e-6, and 1e-3 for single precision.
    strict : bool
        Whether INCONCLUSIVE and VACUOUS count as failed.
    names : sequence of str, optional
        Of the arguments.
    progress : callable, optional
        Called with (done, planned, what) as the check goes on.

    Returns
    -------
    Report
        True if it passed; ``print`` it.

    Raises
    ------
    ArgumentError
        For wrong options, and where there is nothing to differentiate.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> report = mg.gradcheck(lambda x: (x**3).sum(), np.array([1.0, 2.0]), order=2)
    >>> report.verdict
    'PASS'
    >>> wrong = lambda x: x * mg.stop_gradient(x)
    >>> mg.gradcheck(wrong, np.array([1.0, 2.0])).verdict
    'FAIL'
    """
    if order not in (1, 2):
        raise ArgumentError(f"gradcheck: order is 1 or 2, not {order!r}.")
    subject = as_subject(f, inputs, wrt, names, "gradcheck")
    options = {
        "mode": mode, "points": points, "cotangents": cotangents, "seed": seed,
        "require_resolution": require_resolution, "progress": progress,
    }  # fmt: skip
    return conclude(_checks(subject, order, options), strict)


def _checks(subject: Any, order: int, options: dict[str, Any]) -> list[Checker]:
    """The checks of a subject, and of its derivative."""
    checks = [_run(subject, **options)]
    if order == 2 and not hasattr(subject, "derivative"):
        raise ArgumentError(
            f"{subject.who}: a hand-written backward has no derivative of its own, so order=2 is for "
            "functions of minigrad, PyTorch and JAX."
        )
    if order == 2 and checks[0].reached:
        second = subject.derivative(checks[0].reached[0].cotangents[0])
        fewer = {**options, "points": min(options["points"], 2), "cotangents": 1}
        checks.append(_run(second, order=2, protocol=False, **fewer))
    return checks


def _run(subject: Any, **options: Any) -> Checker:
    """A check; where its numbers fail, they are tried once more with more digits."""
    check = Checker(subject, **options).run()
    wide = check.widened() if check.off_in_numbers_alone() else None
    if wide is not None:
        again = Checker(wide, **options).run()
        if again.reached and not again.failed() and again.would_have_seen(check):
            check.pardon()
    return check


def check_pair(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    inputs: Any,
    *,
    names: Sequence[str] | None = None,
    wrt: Any = "all",
    style: str = "auto",
    mode: str = "auto",
    points: int = 3,
    cotangents: int = 2,
    seed: int = 0,
    require_resolution: float | None = None,
    strict: bool = True,
    name: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check a hand-written NumPy backward against its forward.

    Besides the numbers, the manners are checked: nothing is changed in place, nothing depends
    on earlier calls, shapes and dtypes are the inputs', the gradient is linear in dy.

    Parameters
    ----------
    forward, backward : callable
        Either ``forward(*inputs) -> y`` and ``backward(*inputs, dy) -> gradients``, or
        ``forward(*inputs) -> (y, cache)`` and ``backward(dy, cache) -> gradients``.  The
        gradients are one array, a tuple in the order of the inputs, or a dict by name.
    inputs : array_like, tuple, list or dict
        One entry per argument of forward; a dict gives names.  What is not an array or a
        float (an axis, a mode, a dict of settings) is passed on as it is.
    names : sequence of str, optional
        Of the arguments; by default those of forward's parameters.
    wrt : "all", or names or numbers of inputs
        Which inputs have gradients.
    style : {"auto", "inputs", "cache"}
        Which of the two forms; by default it is recognised.
    mode, points, cotangents, seed, require_resolution, strict, progress
        See :func:`gradcheck`.
    name : str, optional
        For the report.

    Returns
    -------
    Report

    Raises
    ------
    ArgumentError
        For wrong options, or a pair that has neither form.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> x = np.array([[1.0, 2.0], [3.0, 5.0]])
    >>> mg.check_pair(lambda x: x**2, lambda x, dy: 2 * x * dy, x).verdict
    'PASS'
    >>> mg.check_pair(lambda x: x**2, lambda x, dy: 2 * x * dy**2, x).verdict
    'FAIL'
    """
    subject = PairSubject(forward, backward, inputs, wrt, names, name, style)
    check = _run(
        subject, mode=mode, points=points, cotangents=cotangents, seed=seed,
        require_resolution=require_resolution, progress=progress,
    )  # fmt: skip
    return conclude([check], strict)


def check_against(
    f: Any,
    g: Any,
    inputs: Any,
    *,
    names: Sequence[str] | None = None,
    wrt: Any = "all",
    order: int = 1,
    mode: str = "auto",
    points: int = 3,
    cotangents: int = 2,
    seed: int = 0,
    require_resolution: float | None = None,
    strict: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Check two implementations of one function: values, gradients, and both numerically.

    Parameters
    ----------
    f, g : callable, or (forward, backward)
        Functions of minigrad, hand-written pairs, or functions of other libraries through
        :func:`minigrad.check.from_torch` and :func:`minigrad.check.from_jax`, in any mixture.
    inputs, names, wrt, order, mode, points, cotangents, seed, require_resolution, strict, progress
        See :func:`gradcheck`.

    Returns
    -------
    Report
        It says which of the two disagrees with the numerical derivative.

    Raises
    ------
    ArgumentError
        For wrong options, or outputs of different shapes.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, gamma, beta = rng.normal(size=(6, 2)), np.array([0.5, 2.0]), np.zeros(2)
    >>> mg.check_against(mg.batchnorm.composed, mg.batchnorm.fused, (x, gamma, beta)).verdict
    'PASS'
    """
    if order not in (1, 2):
        raise ArgumentError(f"check_against: order is 1 or 2, not {order!r}.")
    options = {
        "mode": mode, "points": points, "cotangents": cotangents, "seed": seed,
        "require_resolution": require_resolution, "progress": progress,
    }  # fmt: skip
    subjects = [as_subject(h, inputs, wrt, names, "check_against") for h in (f, g)]
    titles = [s.name for s in subjects]
    if titles[0] == titles[1]:
        titles = [f"the first {titles[0]}", f"the second {titles[1]}"]
    checks = [_checks(s, order, options) for s in subjects]
    return compare(checks[0], checks[1], (titles[0], titles[1]), strict)
