"""Formulas: every one in the registry becomes MathML and text, and means what its rule computes."""

from __future__ import annotations

import itertools
import math
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.primitive import REGISTRY, Primitive
from minigrad.render import formula

ALL = [p for p in REGISTRY.values() if p.formula]
OPERANDS = {"where": "cxy", "clip": "xab", "arctan2": "yx"}


@pytest.mark.parametrize("primitive", ALL, ids=lambda p: p.name)
def test_every_formula_of_the_registry_converts(primitive: Primitive) -> None:
    for latex in filter(None, (primitive.formula, primitive.vjp_formula)):
        for tree in (formula.parse(latex), *formula.slots(formula.parse(latex))):
            ET.fromstring(formula.mathml(tree))
            text = formula.plain(tree)
            assert text == text.strip()
            assert text
            assert not set(text) & set("\\{}^$") - set("^{}"), text
            assert "mathrm" not in text
            assert "frac" not in text


def test_all_132_primitives_are_there() -> None:
    assert len(REGISTRY) >= 132
    assert len(ALL) == len(REGISTRY)
    assert all(p.vjp_formula for p in REGISTRY.values() if p.differentiable)


# A formula as Python, by its tree: an independent reading of what the page shows with numbers.
NAMES = {
    "ln": np.log, "sin": np.sin, "cos": np.cos, "sinh": np.sinh, "cosh": np.cosh, "sign": np.sign,
    "trunc": np.trunc,
}  # fmt: skip
RELATIONS = {"<": np.less, ">": np.greater, "≤": np.less_equal, "=": np.equal}


def value(tree: Any, names: dict[str, float]) -> float:
    """What a tree of an elementwise rule is for given numbers."""
    tag = tree[0]
    if tag == "mn":
        return float(tree[1])
    if tag in ("var", "mi"):
        return {**names, "e": math.e, "π": math.pi}[tree[1]]
    if tag == "mfrac":
        return value(tree[1], names) / value(tree[2], names)
    if tag == "msqrt":
        return math.sqrt(value(tree[1], names))
    if tag == "msup":
        return value(tree[1], names) ** value(tree[2], names)
    if tag == "fence":
        inside = [item for item in tree[3:] if item[0] != "mspace"]
        if tree[1] == "[":
            if inside[0] == ("mo", "¬"):
                return 1.0 - value(("mrow", *inside[1:]), names)
            at = [i for i, item in enumerate(inside) if item[0] == "mo" and item[1] in RELATIONS]
            if not at:
                return float(bool(value(("mrow", *inside), names)))
            ends = [-1, *at, len(inside)]
            sides = [value(("mrow", *inside[i + 1 : j]), names) for i, j in itertools.pairwise(ends)]
            holds = [RELATIONS[inside[i][1]](a, b) for i, a, b in zip(at, sides, sides[1:])]
            return float(all(holds))
        found = value(("mrow", *inside), names)
        return {"(": lambda x: x, "⌊": math.floor, "|": abs}[tree[1]](found)
    assert tag == "mrow", tree
    return row([item for item in tree[1:] if item[0] != "mspace"], names)


def row(items: list[Any], names: dict[str, float]) -> float:
    """Sums of products."""
    total, product, sign, i = 0.0, None, 1.0, 0
    while i < len(items):
        item = items[i]
        if item in (("mo", "+"), ("mo", "−")):
            total += 0.0 if product is None else sign * product
            product, sign = None, -1.0 if item[1] == "−" else 1.0
        elif item == ("mo", ","):  # what follows is said in words
            break
        elif item == ("mo", "/"):
            assert product is not None
            product /= value(items[i + 1], names)
            i += 1
        elif item[0] == "function":
            end = i + 2  # to the end of the product it is applied to, or only to brackets
            if items[end][0] != "fence":
                while end + 1 < len(items) and items[end + 1] == ("mo", formula.TIMES) and (
                    item[1] in ("sin", "cos") and items[end] == ("mi", "π")
                ):  # fmt: skip
                    end += 2
            x = value(("mrow", *items[i + 2 : end + 1]), names)
            product = (1.0 if product is None else product) * float(NAMES[item[1]](x))
            i = end
        elif item != ("mo", formula.TIMES):
            x = value(item, names)
            product = x if product is None else product * x
        i += 1
    return total + (0.0 if product is None else sign * product)


ELEMENTWISE = [
    p for p in REGISTRY.values()
    if p.family == "elementwise" and p.name not in ("digamma", "gammaln", "polygamma")
]  # fmt: skip


@pytest.mark.parametrize("primitive", ELEMENTWISE, ids=lambda p: p.name)
def test_the_formula_with_numbers_is_what_the_rule_computes(primitive: Primitive) -> None:
    numbers = {"c": 1.0, "g": -0.7, "x": 0.45, "y": 0.6, "a": 0.2, "b": 0.3}
    if primitive.name == "arccosh":
        numbers["x"] = 1.7
    names = OPERANDS.get(primitive.name, "xy")[: len(primitive.rules)]
    leaves = [mg.tensor(numbers[n], requires_grad=True) for n in names if n != "c"]
    out = primitive.function(*[np.array(True)] * ("c" in names), *leaves)
    out.backward(np.asarray(numbers["g"]))
    found = [0.0 if leaf.grad is None else leaf.grad.item() for leaf in leaves]
    trees = formula.slots(formula.parse(primitive.vjp_formula))
    assert len(trees) == len(found)
    for tree, wanted in zip(trees, found):
        got = value(tree, {**numbers, "out": out.item()})
        assert got == pytest.approx(wanted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("latex", "texts"),
    [
        (r"(g\,y,\; g\,x)", ["g y", "g x"]),
        (r"(1 + x)\,g", ["(1 + x) g"]),
        (r"\left(g,\; -g\,\lfloor x / y \rfloor\right)", ["g", "−g ⌊x / y⌋"]),
        (r"\left(-h,\; h\right),\ h = a^{-\top} g", ["−h, h = a⁻ᵀ g", "h, h = a⁻ᵀ g"]),
        (r"\mathrm{out}(a, g)", ["out(a, g)"]),
        (r"\tfrac12(a + a^\top)", ["(1 / 2) (a + aᵀ)"]),
        (r"g \text{ in } x\text{'s shape}", ["g in x's shape"]),
        (r"\bar{x}_i = \sum_{j \ge i} g_j", ["x̄ᵢ = ∑_(j ≥ i) gⱼ"]),
        (r"\sqrt[3]{x}", ["∛x"]),
    ],
)
def test_text_of_slots(latex: str, texts: list[str]) -> None:
    assert [formula.plain(t) for t in formula.slots(formula.parse(latex))] == texts


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        (r"\unknown x", r"the command '\\unknown' in '\\unknown x' is not known"),
        (r"\frac{x}{y", r"ends before '}'"),
        (r"(x", r"ends before '\)'"),
        (r"x & y", "the sign '&'"),
    ],
)
def test_what_is_not_known_is_refused(latex: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message.replace("\\", "\\\\").replace("\\\\)", "\\)")):
        formula.parse(latex)


def test_markup_in_a_formula_is_only_text() -> None:
    assert "<img" not in formula.mathml(formula.parse(r"\text{<img src=x>} < x"))
