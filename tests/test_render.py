"""Pictures: what they show, that every text stays text, and what happens without ``dot``."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.graph.text import printable
from minigrad.render import picture, program, to_dot, to_svg
from minigrad.render.dot import STYLES, quote
from minigrad.render.layout import layout

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def batchnorm(rng):
    return mg.trace(mg.batchnorm.composed, rng.normal(size=(4, 3)), np.ones(3), np.zeros(3))


@pytest.fixture
def gradient(rng):
    f = mg.grad(lambda x, g, b: (mg.batchnorm.composed(x, g, b) ** 3).sum(), (0, 1, 2))
    return mg.trace(f, rng.normal(size=(4, 3)), np.ones(3), np.zeros(3))


def titles(drawn, kind):
    return [n.title for n in drawn.nodes if n.kind == kind]


def dot(source, form="svg"):
    done = subprocess.run(["dot", f"-T{form}"], input=source.encode(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()  # warnings, too
    return done.stdout


def texts(svg):
    return ["".join(t.itertext()) for t in ElementTree.fromstring(svg).iter(f"{SVG}text")]


# The model -------------------------------------------------------------------------------------


def test_a_picture_of_batch_norm_has_its_operations_inputs_and_output(batchnorm):
    drawn = picture(batchnorm)
    assert titles(drawn, "op") == [
        "mean(axis=0)", "broadcast", "sub", "pow(·, 2)", "mean(axis=0)", "add(·, 1e-05)", "sqrt",
        "broadcast", "div", "broadcast", "mul", "broadcast", "add",
    ]  # fmt: skip
    assert titles(drawn, "input") == ["x", "gamma", "beta"]
    assert titles(drawn, "output") == ["output"]
    named = [n.detail for n in drawn.nodes if n.kind == "op" and n.named]
    assert named == ["mean", "variance", "std", "x_hat"]
    assert {n.scope for n in drawn.nodes if n.kind == "op"} == {"s0"}
    assert [(s.label, s.parent, s.order) for s in drawn.scopes] == [("batchnorm", "", 0)]
    assert drawn.subtitle == "every array is f64, unless noted"


def test_edges_are_the_edges_of_the_graph(batchnorm):
    drawn = picture(batchnorm)
    assert len(drawn.edges) == len(list(batchnorm.edges())) + 1
    shapes = {(e.source, e.target): e.shape for e in drawn.edges}
    assert shapes["v0", "e0"] == "(4, 3)"
    assert shapes["e0", "e1"] == "(3,)"


def test_repeated_operands_are_two_edges_with_slots():
    drawn = picture(mg.trace(lambda a: a * a, np.ones(2)))
    assert [(e.source, e.target, e.slot) for e in drawn.edges] == [
        ("v0", "e0", 0), ("v0", "e0", 1), ("e0", "o0", 0),
    ]  # fmt: skip


def test_what_is_subtracted_is_marked():
    drawn = picture(mg.trace(lambda a, b: a - b, np.ones(2), np.ones(2)))
    assert [e.mark for e in drawn.edges] == ["", "−", ""]
    drawn = picture(mg.trace(lambda a: 1.0 - a, np.ones(2)))
    assert titles(drawn, "op") == ["sub(1.0, ·)"]
    assert [e.mark for e in drawn.edges] == ["", ""]


def test_unusual_dtypes_are_noted():
    drawn = picture(mg.trace(lambda a, i: (a[i] > 0.5) * 1.0, np.ones(3), np.array([0, 2])))
    assert [e.shape for e in drawn.edges] == ["(3,)", "i64 (2,)", "(2,)", "bool (2,)", "(2,)"]
    assert picture(mg.trace(lambda a: a, np.ones(()))).edges[0].shape == "scalar"


def test_backward_steps_differ_in_order_style_and_box(gradient):
    drawn = picture(gradient)
    assert drawn.phases == ("forward", "backward")
    assert drawn.against == (False, True)
    back = [n for n in drawn.nodes if n.kind == "op" and n.order]
    assert all(n.twin for n in back)
    labels = {s.id: s.label for s in drawn.scopes}
    assert {tuple(labels[a] for a in drawn.around[n.scope]) for n in back} == {
        ("backward",), ("backward", "batchnorm"),
    }  # fmt: skip
    assert {"fillcolor", "color", "style"} <= {
        k for k in STYLES["op 1"] if STYLES["op 1"][k] != STYLES["op"][k]
    }
    assert titles(drawn, "output") == ["d_x", "d_g", "d_b"]


def test_every_kind_has_its_own_shape_or_line_not_colour_alone():
    looks = [
        (s["shape"], s.get("style"), s.get("peripheries")) for k, s in STYLES.items() if k != "named"
    ]
    assert len(set(looks)) == len(looks)


def test_parameters_constants_and_inputs_are_told_apart():
    w = mg.tensor(np.ones(2), requires_grad=True, name="w")
    drawn = picture(mg.trace(lambda x: x * w + np.arange(2.0) + np.arange(99.0)[:2], np.ones(2)))
    assert (titles(drawn, "input"), titles(drawn, "parameter")) == (["x"], ["w"])
    assert titles(drawn, "constant") == ["[0., 1.]", "[0., 1.]"]


def test_an_unused_input_is_still_drawn():
    assert titles(picture(mg.trace(lambda a, b: a * 2.0, 1.0, 2.0)), "input") == ["a", "b"]


def test_routes_run_along_edges(batchnorm):
    drawn = picture(batchnorm, paths=["mean", "variance"])
    assert drawn.routes == ("direct", "via mean", "via variance", "via variance, then mean")
    along = {(e.source, e.target, e.slot): e.routes for e in drawn.edges}
    assert along["v0", "e2", 0] == (0, 2)
    assert along["v0", "e0", 0] == (1, 3)
    assert along["e3", "e4", 0] == (2, 3)
    assert along["v1", "e9", 0] == ()
    assert to_dot(drawn).count('dir="back"') == sum(len(e.routes) for e in drawn.edges)


def test_routes_may_be_named_and_chosen(batchnorm):
    names = {"through the variance": ["variance"], "straight": []}
    drawn = picture(batchnorm, paths=names)
    assert drawn.routes == tuple(names)
    assert {r for e in drawn.edges for r in e.routes} == {0, 1}
    with pytest.raises(
        mg.ArgumentError, match=r"no such route.*\[\], \['mean'\], \['variance'\], \['variance', "
    ):
        picture(batchnorm, paths={"wrong way": ["mean", "variance"]})
    with pytest.raises(mg.ArgumentError, match=r'paths is a list of names, \["mean"\], not a string'):
        picture(batchnorm, paths="mean")


def test_many_edges_move_their_shapes_into_the_nodes():
    def chain(x, n):
        for _ in range(n):
            x = mg.sin(x)
        return x

    few, many = (picture(mg.trace(chain, np.ones(3), n)) for n in (299, 300))
    assert (few.labelled, many.labelled) == (True, False)
    assert few.nodes[5].detail == "v5"
    assert many.nodes[5].detail == "v5 (3,)"
    assert to_dot(few).count('label=" (3,) "') == 300
    assert 'label=" (3,) "' not in to_dot(many)


# DOT and files ---------------------------------------------------------------------------------


def test_dot_and_text_need_nothing(tmp_path, batchnorm, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "graphviz", None)
    assert mg.render(batchnorm, tmp_path / "bn.txt").read_text() == f"{batchnorm}\n"
    source = mg.render(batchnorm, str(tmp_path / "bn.DOT"), title="Mine").read_text()
    assert source == to_dot(picture(batchnorm, title="Mine"))
    assert "<B>Mine</B>" in source
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bn.DOT", "bn.txt"]


def test_the_same_graph_gives_the_same_text(rng):
    x = rng.normal(size=(4, 3))
    one, two = (to_dot(picture(mg.trace(mg.batchnorm.composed, x))) for _ in range(2))
    assert one == two


def test_boxes_nest_and_close(gradient):
    source = to_dot(picture(gradient))
    assert source.count("subgraph cluster_") == 3
    assert source.count("{") == source.count("}")


def test_a_scope_called_backward_is_not_the_backward_pass():
    def f(x):
        with mg.scope("backward"):
            return mg.sin(x)

    g = mg.trace(mg.grad(f), 1.0)
    source = to_dot(picture(g))
    assert source.count("subgraph cluster_") == 3  # the scope, the derivative, the scope in it
    assert str(g).count("backward:\n") == 3


def test_legend_explains_what_is_there_and_can_be_left_out(batchnorm, gradient):
    source = to_dot(picture(batchnorm))
    assert ">input<" in source
    assert ">constant<" not in source
    assert ">backward, read upwards<" in to_dot(picture(gradient))
    assert "legend" not in to_dot(picture(batchnorm), legend=False)


def test_an_input_with_many_uses_is_drawn_beside_them():
    def f(x):
        y = x
        for _ in range(40):
            y = y * 1.01 + x
        return y

    source = to_dot(picture(mg.trace(f, np.ones(2))))
    assert source.count("v0 -> ") == 0
    assert sum(line.lstrip().startswith("v0_") and "->" in line for line in source.splitlines()) == 41


@pytest.mark.parametrize("suffix", ["jpg", "htm", ""])
def test_unknown_suffix_lists_the_known_ones(tmp_path, batchnorm, suffix):
    name = f"bn.{suffix}" if suffix else "bn"
    with pytest.raises(
        mg.ArgumentError, match=r"there are .html .*.svg, .png and .pdf \(pictures\), .dot, .mmd .*.txt"
    ):
        mg.render(batchnorm, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_wrong_arguments_are_told(tmp_path, batchnorm):
    cases = [
        (lambda: mg.render(batchnorm, tmp_path / "no" / "bn.dot"), r"there is no folder .*no.* to write 'bn.dot'"),
        (lambda: mg.render(batchnorm, tmp_path / "bn.dot", direction="up"), r'"down" or "right", not \'up\''),
        (lambda: mg.render(len, tmp_path / "f.dot"), r"this is builtin_function_or_method.*mg.trace\(f"),
        (lambda: mg.render([1.0], tmp_path / "f.dot"), r"a Tensor, a list of them, a Graph or a Record"),
        (lambda: mg.render([], tmp_path / "f.dot"), r"the list is empty"),
        (lambda: mg.render(batchnorm, tmp_path / "b.svg", title=3), r"title is a text, not 3"),
        (lambda: mg.render(batchnorm, tmp_path / "b.svg", engine="neato"), r'engine is "auto", "own" or "dot", not'),
        (lambda: mg.render(batchnorm, tmp_path / "b.svg", show=["names"]), r'show is "values" or "gradients", not'),
        (lambda: mg.render(batchnorm, tmp_path / "b.svg", compare=batchnorm), r"compare .* in .html only"),
        (lambda: mg.render(batchnorm, tmp_path / "b.svg", fold="some"), r'fold is "auto", "all", "none"'),
        (lambda: mg.render(batchnorm, tmp_path / "b.pdf", engine="own"), r'a PDF needs .*engine="dot"'),
        (lambda: mg.render(batchnorm, tmp_path / "b.dot", paths=["nobody"]), r"no value named 'nobody'"),
        (lambda: mg.render(batchnorm, tmp_path / "b.dot", paths=[], wrt="nobody"), r"no value 'nobody'"),
    ]  # fmt: skip
    for call, message in cases:
        with pytest.raises(mg.ArgumentError, match=message):
            call()
    with pytest.raises(mg.GradientError, match="nothing is tracked"):
        mg.render(mg.tensor(1.0), tmp_path / "t.dot")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_without_the_program_the_text_is_written_and_the_way_out_told(
    tmp_path, batchnorm, monkeypatch, suffix
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(mg.MissingProgramError) as caught:
        mg.render(batchnorm, tmp_path / f"bn.{suffix}", title="T", engine="dot")
    message = str(caught.value)
    for hint in ("sudo apt install graphviz", "brew install graphviz", "winget install", "bn.dot"):
        assert hint in message
    assert caught.value.path == tmp_path / "bn.dot"
    assert caught.value.path.read_text() == to_dot(picture(batchnorm, title="T"))
    assert [p.name for p in tmp_path.iterdir()] == ["bn.dot"]
    assert isinstance(caught.value, mg.MinigradError)


def test_without_the_package_the_text_is_written_too(tmp_path, batchnorm, monkeypatch):
    for name in ("graphviz", "graphviz.backend"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(mg.MissingProgramError, match="pip install graphviz") as caught:
        mg.render(batchnorm, tmp_path / "bn.svg", engine="dot")
    assert caught.value.path.exists()


@pytest.mark.parametrize("suffix", ["svg", "html", "mmd", "json", "dot", "txt"])
def test_nothing_else_needs_the_program(tmp_path, batchnorm, monkeypatch, suffix):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert mg.render(batchnorm, tmp_path / f"bn.{suffix}").stat().st_size > 300


def test_a_record_a_picture_and_a_comparison_can_be_drawn(tmp_path, rng):
    x = mg.tensor(rng.normal(size=(4, 3)), requires_grad=True, name="x")
    found = []
    for f in (mg.batchnorm.composed, mg.batchnorm.fused):
        with mg.record() as rec:
            (f(x) * rng.normal(size=(4, 3))).sum().backward()
        found.append(rec)
    one, other = found
    drawn = picture(one, ["mean", "variance"], "x")
    assert (
        mg.render(drawn, tmp_path / "p.svg").read_text()
        == mg.render(one, tmp_path / "r.svg", paths=["mean", "variance"], wrt="x").read_text()
    )
    page = mg.render(one, tmp_path / "c.html", compare=other, paths=["mean", "variance"]).read_text()
    assert "batchnorm" in page
    assert "backward" in mg.render(one, tmp_path / "r.txt").read_text()
    assert "mean" in mg.render(drawn, tmp_path / "p.txt").read_text()
    shown = mg.render(one, tmp_path / "v.svg", show="values").read_text()
    assert len(shown) > len(mg.render(one, tmp_path / "w.svg").read_text())


def test_a_deep_graph_is_drawn_folded(tmp_path):
    y = mg.tensor(1.0, requires_grad=True, name="x")
    for _ in range(1_200):
        y = y * 1.001
    text = mg.render(y, tmp_path / "deep.svg").read_text()
    assert "1200" in text
    assert len(text) < 20_000
    assert mg.render(y, tmp_path / "all.svg", fold="none").read_text().count("mul") >= 1_200


def test_more_than_dot_can_lay_out_is_refused(tmp_path, monkeypatch, batchnorm):
    monkeypatch.setattr(program, "LARGEST", 10)
    with pytest.raises(mg.ArgumentError, match=r"has 17 nodes.*limit is 10.*\.txt or \.dot"):
        mg.render(batchnorm, tmp_path / "bn.svg", engine="dot")
    assert not list(tmp_path.iterdir())


@pytest.mark.dot
def test_a_layout_that_takes_too_long_is_given_up(tmp_path, monkeypatch, batchnorm):
    monkeypatch.setattr(program, "PATIENCE", 1e-4)
    with pytest.raises(mg.GraphError, match=r"dot did not finish.*\.txt or \.dot"):
        mg.render(batchnorm, tmp_path / "bn.svg", engine="dot")
    assert not list(tmp_path.iterdir())


def test_import_needs_neither_graphviz_nor_the_program():
    code = "import sys, minigrad; assert 'graphviz' not in sys.modules; minigrad.render; minigrad.trace"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


# Escaping ------------------------------------------------------------------------------------------

NASTY = [
    '"]; a -> b; x [label="', "</script><img src=x onerror=alert(1)>", "<B>bold</B>", "&amp; & &lt;",
    "back\\slash \\N \\G \\l", "line\nbreak\r\ttab", "nul\x00 \x1b[31m \x7f \x9f", "\ud800 lone",
    "{record|field}<port>", "naïve Ω 漢字 🙂 ‮right-to-left", "a" * 500, " ", "-->", "]]>", "%s {}",
    "\ufffe\uffff", "\u2028",
]  # fmt: skip


def nasty_graph(name):
    x = mg.tensor([1.0], requires_grad=True, name=name)
    with mg.scope(name):
        y = x * 2.0
        y.name = name
    return mg.Graph.of(y, name=name)


@pytest.mark.dot
@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_names_are_only_text(name):
    source = to_dot(picture(nasty_graph(name), paths=[], title=name))
    dot(source, "canon")
    shown = texts(dot(source))
    flat = " ".join("".join(shown).split())
    for line in name.split("\n"):
        wanted = " ".join(printable(line).split())
        if wanted:
            assert wanted in flat
    root = ElementTree.fromstring(dot(source))
    hints = [a.get("{http://www.w3.org/1999/xlink}title") for a in root.iter(f"{SVG}a")]
    assert any(printable(name.split("\n")[0]).replace("\\", "∖") in hint for hint in hints)
    groups = [g.get("class") for g in root.iter(f"{SVG}g")]
    assert groups.count("node") == 7  # input, op, output, each in the legend, its lines: no more
    assert groups.count("edge") == 3  # one of them the route
    assert not list(root.iter(f"{SVG}script"))


@pytest.mark.dot
def test_five_hundred_random_names_are_accepted():
    rng = np.random.default_rng(5)
    alphabet = [
        *"\"\\<>{}|&;[]()'`=-\n\t\r\0 ab%$#/",
        "\x1b",
        "\u202e",
        "é",
        "漢",
        "🙂",
        "\ud83d",
        "\x85",
    ]
    names = ["".join(rng.choice(alphabet, rng.integers(1, 24))) for _ in range(500)]
    edges = "\n".join(f"{quote(n)} -> {quote(n + 'x')} [label={quote(n)}]" for n in names)
    dot(f"digraph {{ {edges} }}", "canon")
    for start in range(0, 500, 50):
        x = mg.tensor([1.0], requires_grad=True)
        for name in names[start : start + 50]:
            with mg.scope(name):
                x = x * 2.0
                x.name = name
        source = to_dot(picture(mg.Graph.of(x)))
        dot(source, "canon")
        root = ElementTree.fromstring(dot(source))
        groups = [g.get("class") for g in root.iter(f"{SVG}g")]
        assert groups.count("node") == 55  # 52, and 3 in the legend


@given(st.text(min_size=1))
def test_clean_text_may_stand_in_xml(text):
    ElementTree.fromstring(f"<a>{printable(text).replace('&', '&amp;').replace('<', '&lt;')}</a>")


# Pictures -------------------------------------------------------------------------------------------


@pytest.mark.dot
@pytest.mark.parametrize(
    ("suffix", "engine", "magic"),
    [
        ("svg", "dot", b"<?xml"), ("svg", "auto", b"<svg"), ("png", "dot", b"\x89PNG"),
        ("png", "auto", b"\x89PNG"), ("pdf", "auto", b"%PDF"),
    ],
)  # fmt: skip
def test_pictures_are_drawn(tmp_path, gradient, suffix, engine, magic):
    path = mg.render(gradient, tmp_path / f"g.{suffix}", engine=engine)
    assert path.read_bytes().startswith(magic)
    assert [p.name for p in tmp_path.iterdir()] == [f"g.{suffix}"]


@pytest.mark.dot
def test_svg_shows_names_shapes_scopes_and_routes(tmp_path, batchnorm):
    path = mg.render(
        batchnorm, tmp_path / "bn.svg", paths=["mean", "variance"], title="Batch norm", engine="dot"
    )
    shown = [t.strip() for t in texts(path.read_text())]
    for text in (
        "Batch norm", "x", "gamma", "beta", "mean", "broadcast", "sub", "variance", "std", "x_hat", "batchnorm",
        "(4, 3)", "(3,)", "direct", "via mean", "via variance", "via variance, then mean",
    ):  # fmt: skip
        assert text in shown
    root = ElementTree.fromstring(path.read_text())
    strokes = {p.get("stroke") for p in root.iter(f"{SVG}path")}
    assert {"#0072b2", "#d55e00", "#009e73", "#cc3d95"} <= strokes
    dashes = {p.get("stroke-dasharray") for p in root.iter(f"{SVG}path")}
    assert len(dashes - {None}) >= 2


@pytest.mark.dot
@pytest.mark.parametrize("direction", ["down", "right"])
def test_data_flows_where_it_should_and_gradients_back(gradient, direction):
    root = ElementTree.fromstring(dot(to_dot(picture(gradient), direction)))
    places = {}
    for group in root.iter(f"{SVG}g"):
        text = group.find(f".//{SVG}text")
        if group.get("class") == "node" and text is not None:
            places[group.find(f"{SVG}title").text] = (float(text.get("x")), float(text.get("y")))
    axis = 1 if direction == "down" else 0
    order = {e.index: e.order for e in gradient.equations}
    for equation, _, ref in gradient.edges():
        maker = gradient.makers.get(ref)
        if maker is None or order[maker] != equation.order:
            continue
        forward = places[f"e{equation.index}"][axis] > places[f"e{maker}"][axis]
        assert forward == (equation.order == 0)


@pytest.mark.dot
@pytest.mark.parametrize(
    "build",
    [
        lambda: mg.trace(lambda x: mg.hvp(lambda z: (z**3).sum(), (x,), (x,)), np.ones(3)),
        lambda: mg.trace(mg.grad(mg.grad(mg.tanh)), 0.5),
        lambda: mg.trace(lambda x, t: mg.jvp(lambda z: mg.exp(z * z), (x,), (t,)), 1.0, 1.0),
        lambda: mg.trace(mg.grad(lambda x: mg.batchnorm.fused(x).sum()), np.eye(4)),
        lambda: mg.trace(lambda x: (mg.grad(lambda z: (z**3).sum())(x) ** 2).sum(), np.ones(2)),
        lambda: mg.trace(lambda x: x, np.ones(2)),
        lambda: mg.trace(lambda x, y: mg.vjp(mg.sin, x)[1](y), np.ones(2), np.ones(2)),
    ],
)
def test_dot_accepts_every_kind_of_graph_without_a_warning(build):
    dot(to_dot(picture(build().check())))


@pytest.mark.dot
def test_a_graph_with_a_thousand_steps_and_a_hub_is_drawn(tmp_path):
    def f(x):
        y = x
        for _ in range(500):
            y = y * 1.01 + x
        return y

    assert (
        mg.render(mg.trace(f, np.ones(2)), tmp_path / "deep.svg", engine="dot", fold="none")
        .stat()
        .st_size
        > 100_000
    )


def test_a_deep_chain_becomes_dot_without_recursion(tmp_path):
    def f(x):
        for _ in range(5_000):
            x = mg.sin(x)
        return x

    source = mg.render(mg.trace(f, 1.0), tmp_path / "deep.dot", fold="none").read_text()
    assert source.count(" -> ") == 5_001


# Notebooks ------------------------------------------------------------------------------------------


def test_pictures_do_not_tell_where_a_file_lies() -> None:
    """They are passed around: the name of the user's file is enough."""
    source = to_dot(picture(mg.trace(lambda x: x * 2.0, np.ones(2))))
    assert "test_render.py, line" in source
    assert "/test_render.py" not in source


# Marks and legends -------------------------------------------------------------------------------


def products():
    """A matrix product with its gradients: in each it matters which factor is the right one."""

    def step(x, w):
        return mg.value_and_grad(lambda x, w: (mg.tanh(x @ w) ** 2).mean(), (0, 1))(x, w)

    return picture(mg.trace(step, np.ones((4, 3)), np.ones((3, 2))))


@pytest.mark.parametrize("direction", ["down", "right"])
def test_right_is_written_beside_boxes_and_shapes(direction):
    drawn = products()
    boxes = layout(drawn, direction).nodes.values()
    root = ElementTree.fromstring(to_svg(drawn, direction, legend=False))
    spans = []
    for text in root.iter(f"{SVG}text"):
        x, y, size = (float(text.get(k, 11)) for k in ("x", "y", "font-size"))
        long = 0.55 * size * len(text.text or "")
        left = x - {"end": long, "middle": long / 2}.get(text.get("text-anchor"), 0)
        spans.append((text.text or "", left, left + long, y - 0.7 * size, y))
    marks = [s for s in spans if s[0] == "right"]
    shapes = [s for s in spans if s[0].startswith("(")]
    assert len(marks) == 3
    for _, left, right, top, bottom in marks:
        for box in boxes:
            beside = right <= box["x"] or box["x"] + box["width"] <= left
            assert beside or bottom <= box["y"] or box["y"] + box["height"] <= top
        for text, start, end, high, low in shapes:
            assert right <= start or end <= left or bottom <= high or low <= top, text


def test_dot_writes_a_mark_on_its_own_line():
    source = to_dot(products())
    assert "headlabel" not in source
    assert "taillabel" not in source
    edges = [line for line in source.splitlines() if " -> " in line and ">right<" in line]
    assert len(edges) == 3


@pytest.mark.dot
def test_dots_legend_has_the_outlines_of_the_picture():
    drawn = products()
    root = ElementTree.fromstring(dot(to_dot(drawn)))
    looks = {}
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == "node":
            name = group.find(f"{SVG}title").text
            outlines = [e for e in group.iter() if e.tag[len(SVG) :] in ("ellipse", "polygon", "path")]
            looks[name] = [(e.tag, e.get("fill"), e.get("stroke")) for e in outlines]
    nodes = [look for name, look in looks.items() if not name.startswith("legend")]
    for name, look in looks.items():
        assert not name.startswith("legend_") or look in nodes, name


@pytest.mark.parametrize("draw", [to_svg, to_dot])
def test_the_legend_says_whither_values_are_handed(draw):
    to = picture(mg.trace(mg.grad(mg.sin), 1.0))
    both = picture(mg.trace(lambda x: x - 0.1 * mg.grad(mg.sin)(x), 1.0))
    assert "value handed over to a derivative" in draw(to)
    assert "value handed to or from a derivative" in draw(both)
