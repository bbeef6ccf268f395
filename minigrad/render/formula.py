r"""The registry's formulas, written in a little LaTeX, as MathML for browsers and as plain text.

A formula becomes a tree of nested tuples: the name of a MathML element and its children.  Beside
those elements there are ``("var", "g")``, an identifier that stands for a number of the operation,
and ``("fence", "(", ")", ...)``, something in brackets.  What is multiplied has an invisible times
sign between it, so that numbers can take the place of identifiers.

>>> print(plain(parse(r"\left(\frac{g}{y},\; -\frac{g\,\mathrm{out}}{y}\right)")))
(g / y, −(g out) / y)
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any, Final

from ..errors import ArgumentError

Tree = tuple[Any, ...]

VARIABLES: Final = ("g", "x", "y", "a", "b", "c", "out")
TIMES, APPLY = "\u2062", "\u2061"  # invisible: multiplied by; applied to

# What a command is written as, by the kind of its element.
LETTERS: Final = {
    "pi": "π", "psi": "ψ", "Gamma": "Γ", "Phi": "Φ", "varepsilon": "ε", "epsilon": "ϵ", "gamma": "γ",
    "beta": "β", "mu": "μ", "sigma": "σ", "infty": "∞", "dots": "…",
}  # fmt: skip
SIGNS: Final = {
    "le": "≤", "ge": "≥", "ne": "≠", "lor": "∨", "land": "∧", "oplus": "⊕", "#": "#",
}  # fmt: skip
PREFIXES: Final = {
    "lnot": "¬", "forall": "∀", "exists": "∃", "partial": "∂", "nabla": "∇", "int": "∫",
}  # fmt: skip
LARGE: Final = {"sum": "∑", "prod": "∏", "max": "max", "min": "min"}
FUNCTIONS: Final = (
    "ln", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "det",
    "arg",
)  # fmt: skip
SPACES: Final = {",": 0.17, ";": 0.28, " ": 0.33, "quad": 1.0}  # in em
BRACKETS: Final = {
    "(": ")", "[": "]", r"\{": r"\}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil",
    r"\langle": r"\rangle", "|": "|",
}  # fmt: skip
DRAWN: Final = {
    r"\{": "{", r"\}": "}", r"\lfloor": "⌊", r"\rfloor": "⌋", r"\lceil": "⌈", r"\rceil": "⌉",
    r"\langle": "⟨", r"\rangle": "⟩",
}  # fmt: skip
ACCENTS: Final = {"bar": "¯", "hat": "^"}
APPLIED: Final = ("ψ", "Γ", "Φ")  # letters of functions
RAISED: Final = dict(zip("0123456789+-−n⊤", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿᵀ"))
LOWERED: Final = dict(zip("0123456789+-−aeijkmnpx", "₀₁₂₃₄₅₆₇₈₉₊₋₋ₐₑᵢⱼₖₘₙₚₓ"))

_TOKENS = re.compile(r"\\(?:[A-Za-z]+|.)|\d+(?:\.\d+)?|\s+|.", re.DOTALL)


def parse(latex: str) -> Tree:
    r"""The tree of a formula.

    Raises
    ------
    ArgumentError
        For a command that is not known, or a bracket without its partner.

    Examples
    --------
    >>> parse("g / m")
    ('mrow', ('var', 'g'), ('mo', '/'), ('mi', 'm'))
    >>> parse(r"\oint x")
    Traceback (most recent call last):
      ...
    minigrad.errors.ArgumentError: formula: the command '\\oint' in '\\oint x' is not known...
    """
    reader = _Reader(latex)
    row = reader.row("")
    return ("mrow", *row)


def slots(tree: Tree) -> tuple[Tree, ...]:
    r"""The formula of every input, if the formula is a tuple of them; else the formula itself.

    What follows the tuple is said of every one.

    Examples
    --------
    >>> [plain(s) for s in slots(parse(r"(g\,[x > y],\; g\,[y > x]),\ \text{half each at ties}"))]
    ['g [x > y], half each at ties', 'g [y > x], half each at ties']
    """
    row = list(tree[1:])
    if not row or row[0][:3] != ("fence", "(", ")"):
        return (tree,)
    inside, after = row[0][3:], row[1:]
    if ("mo", ",") not in inside or (after and after[0] != ("mo", ",")):
        return (tree,)
    found: list[list[Tree]] = [[]]
    for item in inside:
        if item == ("mo", ","):
            found.append([])
        elif found[-1] or item[0] != "mspace":
            found[-1].append(item)
    return tuple(("mrow", *part, *after) for part in found)


def mathml(tree: Tree) -> str:
    """The formula for a browser; identifiers that stand for numbers carry ``class="var"``.

    Examples
    --------
    >>> print(mathml(parse("x^2")))
    <math><mrow><msup><mi class="var">x</mi><mn>2</mn></msup></mrow></math>
    """
    return f"<math>{_element(tree)}</math>"


def plain(tree: Tree) -> str:
    r"""The formula as text.

    Examples
    --------
    >>> print(plain(parse(r"g\,y\,x^{y-1} + \sqrt{1 - x^2}\,\sum_i x_i")))
    g y x^(y − 1) + √(1 − x²) ∑ᵢ xᵢ
    """
    return re.sub(r" +", " ", _text(tree)).strip()


# Reading -------------------------------------------------------------------------------------------


class _Reader:
    """Goes through the tokens of a formula once."""

    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.tokens = _TOKENS.findall(latex)
        self.at = 0

    def row(self, end: str) -> list[Tree]:
        """Everything up to a closing token, which is taken too; "" is the end of the formula."""
        found: list[Tree] = []
        spaced = False
        while True:
            token = self._next()
            if token == end:
                return _without_spaces_at_the_end(found)
            if token == "":
                raise ArgumentError(f"formula: {self.latex!r} ends before {end!r}.")
            if token.isspace() or token == r"\textstyle":
                continue
            if token[1:] in SPACES and token[0] == "\\":
                found.append(("mspace", SPACES[token[1:]]))
                spaced = True
                continue
            item = self._scripts(self._atom(token))
            between = _between(found, item, spaced)
            if between:
                if found[-1][0] == "mspace":
                    found.insert(-1, ("mo", between))
                else:
                    found.append(("mo", between))
            found.append(item)
            spaced = False

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def _argument(self) -> Tree:
        """What a command or a script is applied to: something in braces, or one sign."""
        token = self._next()
        while token.isspace():
            token = self._next()
        if token == "{":
            row = self.row("}")
            return row[0] if len(row) == 1 else ("mrow", *row)
        if token.isdigit() and len(token) > 1:  # \tfrac12 has two arguments
            self.at -= 1
            self.tokens[self.at] = token[1:]
            token = token[0]
        return self._atom(token)

    def _word(self) -> str:
        """The text in braces, as it is."""
        start = self.at
        depth = 0
        for token in self.tokens[start:]:
            self.at += 1
            depth += (token == "{") - (token == "}")
            if depth == 0:
                break
        return "".join(self.tokens[start + 1 : self.at - 1])

    def _atom(self, token: str) -> Tree:
        if token == r"\left":
            opening = self._next()
            return self._fence(opening, (r"\right", BRACKETS.get(opening, opening)))
        if token in BRACKETS:
            return self._fence(token, (BRACKETS[token],))
        if token == "{":
            return ("mrow", *self.row("}"))
        if token[0] == "\\":
            return self._command(token[1:])
        if token[0].isdigit():
            return ("mn", token)
        if token.isalpha():
            return ("var", token) if token in VARIABLES else ("mi", token)
        if token in "+=<>,:;/?!":
            return ("mo", token)
        if token == "-":
            return ("mo", "−")
        if token == "'":
            return ("mo", "′")
        raise ArgumentError(f"formula: the sign {token!r} in {self.latex!r} is not known.")

    def _fence(self, opening: str, closing: tuple[str, ...]) -> Tree:
        row = self.row(closing[0])
        for more in closing[1:]:
            if self._next() != more:
                raise ArgumentError(f"formula: in {self.latex!r} {opening!r} has no partner.")
        close = closing[-1]
        return ("fence", DRAWN.get(opening, opening), DRAWN.get(close, close), *row)

    def _command(self, name: str) -> Tree:
        if name in ("frac", "tfrac"):
            return ("mfrac", self._argument(), self._argument())
        if name == "sqrt":
            if self.at < len(self.tokens) and self.tokens[self.at] == "[":
                self._next()
                index = self.row("]")
                return ("mroot", self._argument(), ("mrow", *index))
            return ("msqrt", self._argument())
        if name == "text":
            return ("mtext", self._word())
        if name == "mathrm":
            word = self._word()
            return ("var", word) if word in VARIABLES else ("mi", word)
        if name == "operatorname":
            return ("function", self._word())
        if name in ACCENTS:
            return ("mover", self._argument(), ("mo", ACCENTS[name]))
        if name == "top":
            return ("mo", "⊤")
        if name in LETTERS:
            return ("mi", LETTERS[name])
        if name in FUNCTIONS:
            return ("function", name)
        if name in LARGE:
            return ("large", LARGE[name])
        if name in SIGNS or name in PREFIXES:
            return ("mo", SIGNS.get(name) or PREFIXES[name])
        raise ArgumentError(
            f"formula: the command {chr(92) + name!r} in {self.latex!r} is not known. Add it to "
            "minigrad/render/formula.py, or write the formula without it."
        )

    def _scripts(self, base: Tree) -> Tree:
        """The atom with what stands below and above it."""
        below: Tree | None = None
        above: list[Tree] = []
        while self.at < len(self.tokens) and self.tokens[self.at] in ("_", "^", "'"):
            token = self._next()
            if token == "_":
                below = self._argument()
            else:
                above.append(("mo", "′") if token == "'" else self._argument())
        top = above[0] if len(above) == 1 else ("mrow", *above)
        large = base[0] == "large"
        if below is not None and above:
            return ("munderover" if large else "msubsup", base, below, top)
        if below is not None:
            return ("munder" if large else "msub", base, below)
        return ("msup", base, top) if above else base


def _without_spaces_at_the_end(row: list[Tree]) -> list[Tree]:
    while row and row[-1][0] == "mspace":
        row.pop()
    return row


def _core(item: Tree) -> Tree:
    """An item without its scripts."""
    while item[0] in ("msub", "msup", "msubsup", "munder", "munderover", "mover"):
        item = item[1]
    return item


def _between(row: list[Tree], right: Tree, spaced: bool) -> str:
    """The invisible sign between what stands at the end of a row and what comes next."""
    before = [item for item in row if item[0] != "mspace"]
    if not before:
        return ""
    left, right = _core(before[-1]), _core(right)
    if left[0] == "function":
        return APPLY if right[0] not in ("mo", "mtext") else ""
    operand = ("mi", "mn", "var", "mfrac", "msqrt", "mroot", "fence", "mrow")
    if left[0] not in operand or right[0] not in (*operand, "function", "large"):
        return ""
    if left == ("mi", "…") or right == ("mi", "…"):
        return ""
    if right[0] == "fence" and not spaced:
        if left[0] == "mi" and left[1] in APPLIED:
            return APPLY
        if before[-1][0] in ("mi", "var") and right[1] in "([":  # out(a, g), x[i]
            return APPLY if right[1] == "(" else ""
    return TIMES


# Writing -------------------------------------------------------------------------------------------


def _element(tree: Tree) -> str:
    tag = tree[0]
    if tag == "var":
        return f'<mi class="var">{html.escape(tree[1])}</mi>'
    if tag in ("mi", "mn", "mo", "mtext"):
        return f"<{tag}>{html.escape(tree[1])}</{tag}>"
    if tag == "function":
        return f"<mi>{html.escape(tree[1])}</mi>"
    if tag == "large":
        return f"<mo>{tree[1]}</mo>"
    if tag == "mspace":
        return f'<mspace width="{tree[1]}em"/>'
    if tag == "fence":
        left, right = [f"<mo>{html.escape(sign)}</mo>" for sign in tree[1:3]]
        return f"<mrow>{left}{''.join(map(_element, tree[3:]))}{right}</mrow>"
    attributes = ' accent="true"' if tag == "mover" else ""
    return f"<{tag}{attributes}>{''.join(map(_element, tree[1:]))}</{tag}>"


def _text(tree: Tree) -> str:
    tag = tree[0]
    if tag in ("var", "mi", "mn", "function", "large"):
        return str(tree[1])
    if tag == "mtext":
        return f" {tree[1]} " if tree[1][:1] != "'" else f"{tree[1]} "
    if tag in ("mrow", "fence"):
        left, right, rest = (tree[1], tree[2], tree[3:]) if tag == "fence" else ("", "", tree[1:])
        return f"{left}{''.join(_in_row(rest)).strip()}{right}"
    if tag == "mo":
        return str(tree[1])
    if tag == "mspace":
        return " "
    if tag == "mfrac":
        above, below = (f"({t})" if " " in t else t for t in map(plain, tree[1:]))
        return f"{above} / {below}"
    if tag in ("msqrt", "mroot"):
        inside = plain(tree[1])
        sign = "√" if tag == "msqrt" else "∛" if plain(tree[2]) == "3" else f"{plain(tree[2])}√"
        return f"{sign}{inside}" if len(inside) == 1 else f"{sign}({inside})"
    if tag == "mover":
        return _text(tree[1]) + {"¯": "\u0304", "^": "\u0302"}[tree[2][1]]
    base = _text(tree[1])
    if tag in ("msub", "munder"):
        return base + _script(tree[2], LOWERED, "_")
    if tag == "msup":
        return base + _script(tree[2], RAISED, "^")
    return base + _script(tree[2], LOWERED, "_") + _script(tree[3], RAISED, "^")


def _in_row(row: tuple[Tree, ...]) -> Iterator[str]:
    for i, item in enumerate(row):
        if item[0] != "mo":
            text = _text(item)
            beside = i + 1 < len(row) and row[i + 1] == ("mo", TIMES)
            if item[0] == "mfrac" and (beside or (i and row[i - 1] == ("mo", TIMES))):
                text = f"({text})"
            # a sum and what is summed stand apart
            apart = _core(item)[0] == "large" and i + 1 < len(row) and row[i + 1][0] != "fence"
            yield f"{text} " if apart else text
        elif item[1] == TIMES:
            yield " "
        elif item[1] == APPLY:
            yield "" if _core(row[i + 1])[0] == "fence" else " "
        elif item[1] in (",", ":"):
            yield f"{item[1]} "
        elif item[1] in ("¬", "∀", "∃", "∂", "∇", "#", "!", "′", "⊤") or (
            item[1] in ("−", "+") and (i == 0 or row[i - 1][0] in ("mo", "mspace") or i + 1 == len(row))
        ):
            yield item[1]
        else:
            yield f" {item[1]} "


def _script(tree: Tree, letters: dict[str, str], sign: str) -> str:
    """Raised or lowered, with Unicode's letters where it has them all."""
    text = plain(tree)
    if text == "′":
        return text
    if all(c in letters for c in text):
        return "".join(letters[c] for c in text)
    return f"{sign}{text}" if len(text) == 1 else f"{sign}({text})"
