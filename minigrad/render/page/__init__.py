"""One self-contained HTML page from a picture: no network, no library, nothing to install.

``page.html`` is the skeleton, ``page.css`` how it looks; the scripts are read in the order of
:data:`SCRIPTS`, each of them one idea.  The picture travels as JSON in the page, and everything in
it is shown as text, never read as HTML.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from typing import Any

from ...errors import ArgumentError
from ...graph.text import printable
from ...primitive import REGISTRY
from ..fold import FEW, Fold, group_repeats
from ..fold import fold as fold_boxes
from ..formula import parse, plain, slots
from ..interchange import to_json
from ..model import Picture
from ..text import to_text

SCRIPTS = (
    "tools.js", "tensors.js", "formula.js", "model.js", "fold.js", "layout.js", "graph.js",
    "camera.js", "heat.js", "step.js", "node.js", "predict.js", "routes.js", "table.js",
    "compare.js", "save.js", "main.js",
)  # fmt: skip

USUAL: tuple[Any, ...] = ("", [], None)  # left out of the data; main.js puts them back
USUAL_OF = (("order", 0), ("named", False), ("copies", 1))
_COMMENT = re.compile(r"^(//.*|/\*.*\*/)$|  // .*$")
# Where no space is needed, nor a zero before a point; a style needs spaces beside brackets.
_BESIDE = {
    "css": re.compile(r"(?<=[{},;:]) +| +(?=[{},;])|;(?=\s*\})|(?<=[{},;])\n|(?<![\w.])0(?=\.\d)"),
    ".js": re.compile(
        r"(?<=[={},;:?()\[\]&|*<>]) +| +(?=[={},;?()\[\]&|*<>])"
        r"| (?=[-+/%] [^-+])|(?<=[^-+] [-+/%]) (?![-+])|(?<![\w.])0(?=\.\d)"  # not between signs
    ),
}
_STRINGS = re.compile(  # texts, templates, and what stands between slashes where no number can end
    r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|(?<=[(,=:!&|?] )/(?:[^/\\\n]|\\.)+/"""
    r"""|(?<=[(,=:!&|?])/(?:[^/\\\n]|\\.)+/)"""
)
OPERANDS = {"where": ("c", "x", "y"), "clip": ("x", "a", "b"), "arctan2": ("y", "x")}


def to_html(picture: Picture, compare: Picture | None = None, fold: Fold = "auto") -> str:
    """The picture as a page in which one can step through it.

    Parameters
    ----------
    picture : Picture
        Of a record, to see it run; of a graph, to read and fold it.
    compare : Picture, optional
        Another one, to be matched with the first by names.
    fold : {"auto", "all", "none"}, int, or sequence of str
        Which boxes are shut at first, as in :func:`minigrad.render.fold.fold`; "auto" shuts boxes until
        at most 400 nodes are seen.  All can be opened and shut in the page.

    Returns
    -------
    str
        HTML.  It asks for no other file and no network, and its Content-Security-Policy forbids both.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.render import picture
    >>> x = mg.tensor(3.0, requires_grad=True, name="</script>")
    >>> with mg.record() as rec:
    ...     (x * x).backward()
    >>> page = to_html(picture(rec))
    >>> page.count("</script>"), "default-src 'none'" in page
    (2, True)
    """
    pictures = [picture] if compare is None else [picture, compare]
    data = _packed([_grouped(p, fold) for p in pictures], [_shut(p, fold) for p in pictures])
    style, script = _squeezed("page.css"), "\n".join(map(_squeezed, SCRIPTS))
    script = f'(() => {{\n"use strict";\n{script}\n}})();'
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    found = _read("page.html")
    texts = {
        "policy": policy, "title": html.escape(printable(picture.title or "graph")),
        "described": html.escape("\n".join(map(printable, to_text(picture).split("\n")))),
        "style": style, "data": data, "script": script,
    }  # fmt: skip
    pieces = found.split("@@")  # text, name, text, name, ..., text
    return "".join(piece if i % 2 == 0 else texts[piece] for i, piece in enumerate(pieces))


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8").strip()


def _squeezed(name: str) -> str:
    """A file without indentation, comments, and spaces beside signs: a page is often mailed around.

    Strings and regular expressions stay as they are, and so do the ends of lines.  Nothing of these
    goes over several lines in the files, and no template stands inside another.
    """
    lines = (_COMMENT.sub("", line.strip()) for line in _read(name).split("\n"))
    pieces = _STRINGS.split("\n".join(filter(None, lines)))
    beside = _BESIDE[name[-3:]]
    return "".join(piece if i % 2 else beside.sub("", piece) for i, piece in enumerate(pieces))


def _hash(text: str) -> str:
    """How a policy names a script or style that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _grouped(picture: Picture, fold: Fold) -> Picture:
    """Large pictures, and those that somebody wants to be folded, have a box around equal blocks."""
    few = len(picture.nodes) <= FEW and fold == "auto"
    return picture if few or fold == "none" else group_repeats(picture)


def _shut(picture: Picture, fold: Fold) -> list[str] | None:
    """The boxes that are shut at first; None leaves that to the page."""
    if fold == "auto":
        return None
    return [node.id for node in fold_boxes(picture, fold).nodes if node.kind == "fold"]


# The data ------------------------------------------------------------------------------------------


def _packed(pictures: list[Picture], shut: list[list[str] | None]) -> str:
    """Pictures, formulas and what the operands are called, as JSON that no HTML parser reads as HTML.

    Arrays that occur often, as a value and as the result of a step, are there once.
    """
    views: dict[str, int] = {}
    form = {
        "pictures": [_without_views(json.loads(to_json(p)), views) for p in pictures],
        "shut": shut,
        "formulas": _formulas(pictures),
        "elementwise": _elementwise(pictures),
    }
    form["views"] = [_short(json.loads(text)) for text in views]
    text = json.dumps(form, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _without_views(x: Any, views: dict[str, int]) -> Any:
    """The same with a number, {"view": 3}, in place of every array."""
    if isinstance(x, list):
        return [_without_views(y, views) for y in x]
    if not isinstance(x, dict):
        return x
    if "entries" in x and "corner" in x:
        return {"view": views.setdefault(json.dumps(x), len(views))}
    return {
        key: _without_views(y, views)
        for key, y in x.items()
        if y not in USUAL and (key, y) not in USUAL_OF
    }


def _short(view: dict[str, Any]) -> list[Any]:
    """A view as a list.  Range and mean are for arrays of which only a corner is there."""
    kept = ["shape", "entries", "norm", "nans", "infinities"]
    if view["shape"] != view["corner"]:
        kept += ["corner", "minimum", "maximum", "mean"]
    return [view[name] for name in kept]


def _formulas(pictures: list[Picture]) -> dict[str, Any]:
    """Per formula in the registry's LaTeX its text, its tree, and a tree for every input."""
    found: dict[str, Any] = {}
    for picture in pictures:
        for node in picture.nodes:
            for latex in (node.formula, node.vjp):
                if latex and latex not in found:
                    found[latex] = _formula(latex)
    return found


def _formula(latex: str) -> dict[str, Any]:
    try:
        tree = parse(latex)
    except ArgumentError:  # a user's primitive: any LaTeX
        return {"text": latex, "tree": ("mtext", latex)}
    parts = slots(tree)
    return {"text": plain(tree), "tree": tree, **({"slots": parts} if len(parts) > 1 else {})}


def _elementwise(pictures: list[Picture]) -> dict[str, tuple[str, ...]]:
    """Per elementwise operation what its formulas call the inputs: numbers can take their place."""
    used = {node.op for picture in pictures for node in picture.nodes} & REGISTRY.keys()
    return {
        op: OPERANDS.get(op, ("x", "y")) for op in sorted(used) if REGISTRY[op].family == "elementwise"
    }
