"""How large boxes are: from the number of characters alone, so that no font need be measured.

``page/layout.js`` holds the same numbers and the same rules.
"""

from __future__ import annotations

from collections.abc import Collection

from ..model import Node, TensorView

LONGEST = 36  # characters of a line; what is longer is cut, and whole in the tooltip
BOLD, PLAIN = 76, 60  # tenths of a pixel per character: of the operation, of all else
TITLE_LINE, LINE = 18, 15  # heights
PAD = {"input": 16, "parameter": 16, "output": 18, "fold": 14}  # beside the text; else:
USUAL_PAD = 10
STACK = 6  # by how much the sheets of a folded box stand out
LABEL = 54  # tenths of a pixel per character of a label on an edge


def lines(node: Node, show: Collection[str] = ()) -> list[str]:
    """The lines in a node: what it is, what it makes, and what `show` asks for.

    Parameters
    ----------
    node : Node
    show : collection of {"values", "gradients"}

    Examples
    --------
    >>> lines(Node("e0", "op", 0, "mean(axis=0)", "mean", True, "", ""))
    ['mean(axis=0)', 'mean']
    """
    found = [node.title, node.detail] if node.detail else [node.title]
    if node.kind == "fold" and node.copies > 1:
        found.append(f"× {node.copies}")
    if "values" in show and node.value is not None:
        found.append(f"value {summary(node.value)}")
    if "gradients" in show and node.kind != "fold" and node.gradient_state != "not required":
        known = node.gradient
        found.append(f"gradient {node.gradient_state if known is None else summary(known)}")
    return found


def summary(view: TensorView) -> str:
    """An array in a few characters: the number, or the least and the largest.

    Examples
    --------
    >>> summary(TensorView.of(0.25)), summary(TensorView.of([1.0, -2.0]))
    ('0.25', '−2 … 1')
    """
    if view.whole and len(view.entries) == 1:
        return number(view.entries[0])
    odd = view.nans + view.infinities
    texts = [] if view.minimum != view.minimum else [
        f"{number(view.minimum)} … {number(view.maximum)}" if view.minimum != view.maximum
        else f"all {number(view.minimum)}"
    ]  # fmt: skip
    return ", ".join([*texts, *([f"{odd} not finite"] if odd else [])]) or "empty"


def number(x: float) -> str:
    """A number in three digits, with a real minus sign."""
    return (str(x) if isinstance(x, bool) else f"{x:.3g}").replace("-", "−")


def size(node: Node, show: Collection[str] = ()) -> tuple[int, int]:
    """Width and height of a node, even numbers.

    Examples
    --------
    >>> size(Node("e0", "op", 0, "mean(axis=0)", "mean", True, "", ""))
    (100, 44)
    """
    texts = lines(node, show)
    title = min(len(texts[0]), LONGEST)
    name = min(len(texts[0].partition("(")[0]), title)
    widest = BOLD * name + PLAIN * (title - name)
    for text in texts[1:]:
        widest = max(widest, PLAIN * min(len(text), LONGEST))
    width = max(44, (widest + 9) // 10 + 2 * PAD.get(node.kind, USUAL_PAD))
    height = 11 + TITLE_LINE + LINE * (len(texts) - 1)
    extra = STACK if node.kind == "fold" else 0
    return (width + 1) // 2 * 2 + extra, (height + 1) // 2 * 2 + extra
