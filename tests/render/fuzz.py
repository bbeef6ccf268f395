"""Names that nobody should give, and graphs in which everything is called so."""

from __future__ import annotations

import numpy as np

import minigrad as mg

PIECES = (
    '"]; a -> b; x [label="', "</script><img src=x onerror=alert(1)>", "<!--", "-->", "]]>", "<B>", "&amp;",
    "&#60;", "#quot;", "#35;", "\\N", "\\", "\\\\", "\n", "\r\n", "\t", "\x00", "\x1b[31m", "\x7f", "\x9f",
    "\ud800", "\udfff", "{a|b}<p>", "naïve", "Ω", "漢字", "🙂", "\u202e", "\u2066", "\u200f", "\u2028", "\ufffe",
    "\uffff", "%%", "%%{init: {}}%%", "%s", "{}", "end", "subgraph", "1. one", "- ", "    ", "**", "__", "`x`",
    "`", "'", '"', "'''", "|", "[", "]", "(", ")", "((", "}}", "{{", ":::", ";", "#", "<br/>", "a" * 300, " ",
    "$x^2$", "$$", "javascript:", "a̐é", "---", "@{ shape: x }", "click e0", "=", "~~~",
)  # fmt: skip


def names(count: int, seed: int = 0) -> list[str]:
    """The pieces themselves, then sequences of pieces and of any characters."""
    rng = np.random.default_rng(seed)
    found = list(PIECES[:count])
    while len(found) < count:
        parts = [PIECES[i] for i in rng.integers(len(PIECES), size=rng.integers(1, 5))]
        parts += [chr(c) for c in rng.integers(0x3000, size=rng.integers(0, 4))]
        rng.shuffle(parts)
        found.append("".join(parts))
    return found


def graph(name: str) -> mg.Graph:
    """x, its double and its sum, in two scopes; everything has the same name."""
    x = mg.tensor([1.0, 2.0], requires_grad=True, name=name)
    with mg.scope(name), mg.scope(name):
        y = x * 2.0
        y.name = name
    return mg.Graph.of(y.sum(), y, name=name)
