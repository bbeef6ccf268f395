"""The page in a real browser: what it shows is what NumPy computes, and everybody can get at it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html as markup
import itertools
import json
import re
import subprocess
import tarfile
import xml.etree.ElementTree as ET
from collections import Counter

import numpy as np
import pytest

import minigrad as mg
from minigrad.render import picture
from minigrad.render.fold import collapse, fold
from minigrad.render.model import Edge, Node, Picture, Scope
from minigrad.render.notebook import representations
from minigrad.render.page import to_html
from tests.conftest import missing

EVIL = "</script><img src=x onerror=alert(1)>"
browser = pytest.mark.browser


@dataclasses.dataclass
class Demo:
    """Batch norm with weights, recorded; and its page."""

    x: mg.Tensor
    gamma: mg.Tensor
    beta: mg.Tensor
    weights: np.ndarray
    picture: Picture
    path: object


def record_batchnorm(normalise, weights=None):
    rng = np.random.default_rng(0)
    x = mg.tensor(rng.normal(size=(8, 3)), requires_grad=True, name="x")
    gamma = mg.tensor(np.array([1.0, 1.5, 0.5]), requires_grad=True, name="gamma")
    beta = mg.tensor(np.array([0.1, 0.2, -0.3]), requires_grad=True, name="beta")
    weights = rng.normal(size=(8, 3)) if weights is None else weights
    with mg.record() as rec:
        loss = (normalise(x, gamma, beta) * weights).sum()
        loss.backward()
    return rec, x, gamma, beta, weights


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    rec, x, gamma, beta, weights = record_batchnorm(mg.batchnorm.composed)
    drawn = picture(rec, ["mean", "variance"], "x", title="Batch normalization")
    path = tmp_path_factory.mktemp("page") / "bn.html"
    path.write_text(to_html(drawn), "utf-8")
    return Demo(x, gamma, beta, weights, drawn, path)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    layers = [mg.nn.Sequential(mg.nn.Linear(4, 4), mg.nn.Tanh()), mg.nn.BatchNorm1d(4)]
    model = mg.nn.Sequential(*layers, mg.nn.Linear(4, 2))
    x = mg.tensor(np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32), name="x")
    with mg.record() as rec:
        (model(x) ** 2).mean().backward()
    drawn = picture(rec, title="network")
    path = tmp_path_factory.mktemp("page") / "network.html"
    path.write_text(to_html(drawn), "utf-8")
    return drawn, path


def write(tmp_path, drawn, compare=None):
    path = tmp_path / "page.html"
    path.write_text(to_html(drawn, compare), "utf-8")
    return path


# Without a browser -------------------------------------------------------------------------------


def test_the_demo_is_at_most_150_kilobytes(demo):
    assert len(demo.path.read_bytes()) <= 150_000


def test_the_policy_names_what_is_in_the_page_and_nothing_else(demo):
    text = demo.path.read_text("utf-8")
    policy = markup.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        blocks = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(b.encode()).digest()).decode() for b in blocks]
        assert rules[rule] == " ".join(f"'sha256-{d}'" for d in digests)
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_names_no_other_file(demo):
    text = demo.path.read_text("utf-8")
    links = set(re.findall(r"https?://[^\"' <]*", text))
    assert links == {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}  # names only


def test_the_data_is_json_without_an_angle_bracket(demo):
    data = re.search(r'id="data">(.*?)</script>', demo.path.read_text("utf-8"), re.DOTALL)[1]
    assert "<" not in data
    assert len(json.loads(data)["pictures"][0]["steps"]) == len(demo.picture.steps)


def test_equal_pictures_give_equal_pages(demo):
    assert to_html(demo.picture) == to_html(demo.picture)


def test_no_script_reads_text_as_markup_or_code(demo):
    text = demo.path.read_text("utf-8")
    for dangerous in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert dangerous not in text


# What it shows -----------------------------------------------------------------------------------


def array(page, key):
    """The entries of the array shown under a key, all their digits."""
    found = page.eval_on_selector_all(
        f'#pages [data-array="{key}"] .cell', "cells => cells.map((c) => c.dataset.exact)"
    )
    return np.array([float(text) for text in found])


def states(page):
    """Per node of the backward half the state of its gradient."""
    return page.eval_on_selector_all(
        ".half.backward [data-node]",
        "all => Object.fromEntries(all.map((n) => [n.dataset.node, n.dataset.state]))",
    )


def wait_until(page, condition):
    """Until a condition in JavaScript holds; Playwright's own way needs a policy less strict."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"{condition} never came true")


def choose(page, node, half="forward"):
    page.locator(f'[data-node="{node}"][data-half="{half}"]').dispatch_event("click")


@browser
def test_at_the_start_nothing_has_run(demo, opened):
    page = opened(demo.path).page
    found = states(page)
    assert set(found) == {n.id for n in demo.picture.nodes}
    assert set(found.values()) == {"not run"}
    texts = page.locator(".half.backward .detail").all_text_contents()
    assert set(texts) == {"not run"}
    choose(page, "v0")
    assert "not run" in page.locator(".chosen .state").text_content()
    assert array(page, "node gradient").size == 0


@browser
def test_at_the_end_there_is_the_exact_gradient(demo, opened):
    page = opened(demo.path).page
    page.keyboard.press("End")
    found = states(page)
    for node in demo.picture.nodes:
        assert found[node.id] == node.gradient_state
        text = page.text_content(f'.backward [data-node="{node.id}"] .detail')
        if node.gradient is not None:
            assert float(text.removeprefix("norm ")) == pytest.approx(node.gradient.norm, rel=5e-3)
    for leaf in (demo.x, demo.gamma, demo.beta):
        choose(page, next(n.id for n in demo.picture.nodes if n.label == leaf.name))
        shown = array(page, "node gradient").reshape(leaf.shape)
        np.testing.assert_array_equal(shown, leaf.grad.numpy())
        page.keyboard.press("Escape")


RULES = {
    "sum": lambda g, x, out: [np.broadcast_to(g, x.shape)],
    "mean": lambda g, x, out: [np.broadcast_to(g / len(x), x.shape)],
    "broadcast": lambda g, x, out: [g.sum(0)],
    "mul": lambda g, x, y, out: [g * y, g * x],
    "add": lambda g, x, y, out: [g, g],
    "sub": lambda g, x, y, out: [g, -g],
    "div": lambda g, x, y, out: [g / y, -g * x / y**2],
    "pow": lambda g, x, y, out: [g * y * x ** (y - 1), None],
    "sqrt": lambda g, x, out: [g / (2 * np.sqrt(x))],
}
VALUES = {
    "sum": np.sum, "mean": lambda x: x.mean(0), "broadcast": lambda x: np.broadcast_to(x, (8, 3)),
    "mul": np.multiply, "add": np.add, "sub": np.subtract, "div": np.divide, "pow": np.power,
    "sqrt": np.sqrt,
}  # fmt: skip


def check_every_step(demo, page):
    """Go through all steps; compare what is shown with NumPy, from the inputs alone."""
    nodes = demo.picture.node
    inputs = {"x": demo.x, "gamma": demo.gamma, "beta": demo.beta}
    value = {n.id: inputs[n.label].numpy() for n in nodes.values() if n.label in inputs}
    value |= {n.id: demo.weights for n in nodes.values() if n.kind == "constant"}
    arrived = {next(n.operands[0] for n in nodes.values() if n.kind == "output"): np.ones(())}
    sent = 0

    def close(shown, wanted):
        np.testing.assert_allclose(shown, np.ravel(wanted), rtol=1e-12, atol=1e-13)

    for step in demo.picture.steps:
        page.keyboard.press("ArrowRight")
        node = nodes[step.node]
        if step.phase == "forward":
            operands = [value[o] if o in nodes else float(o) for o in node.operands]
            value[node.id] = VALUES[node.op](*operands)
            close(array(page, "value0"), value[node.id])
            continue
        close(array(page, "arrived0"), arrived[node.id])
        sections = page.locator(".contribution")
        assert sections.count() == len(step.contributions)
        if node.kind != "op":
            continue
        operands = [value[o] if o in nodes else float(o) for o in node.operands]
        rule = RULES[node.op](arrived[node.id], *operands, value[node.id])
        for i in range(sections.count()):
            slot = int(sections.nth(i).get_attribute("data-slot"))
            target = sections.nth(i).get_attribute("data-target")
            assert target == node.operands[slot]
            close(array(page, f"sent{i}"), rule[slot])
            if target in arrived:
                close(array(page, f"before{i}"), arrived[target])
            arrived[target] = arrived.get(target, 0.0) + rule[slot]
            entry = arrived[target].ravel()[0]
            numbers = (
                sections.nth(i)
                .locator(".adds .number")
                .evaluate_all("all => all.map((n) => n.dataset.exact)")
            )
            close([float(numbers[-1]) - sum(map(float, numbers[:-1]))], 0.0)  # before + this = after
            close([float(numbers[-1])], entry)
            sent += 1
    assert sent == len(demo.picture.edges) - 2  # all uses but the output and the weights


@browser
def test_every_step_is_what_numpy_computes(demo, opened):
    check_every_step(demo, opened(demo.path).page)


@browser
def test_a_page_with_one_wrong_sign_is_caught(demo, opened, tmp_path):
    text = demo.path.read_text("utf-8")
    start, end = re.search(r'(?<=id="data">).*?(?=</script>)', text, re.DOTALL).span()
    data = json.loads(text[start:end])
    step = next(
        s
        for s in data["pictures"][0]["steps"]
        if len(s.get("contributions", [])) == 2 and s["node"] == "e2"
    )
    part = step["contributions"][1]
    view = json.loads(json.dumps(data["views"][part["value"]["view"]]))
    view[1] = [-entry for entry in view[1]]
    part["value"]["view"] = len(data["views"])
    data["views"].append(view)
    wrong = tmp_path / "wrong.html"
    wrong.write_text(text[:start] + json.dumps(data).replace("<", "\\u003c") + text[end:], "utf-8")
    page = opened(wrong).page
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_every_step(demo, page)


@browser
def test_there_and_back_again_shows_the_same(demo, opened):
    page = opened(demo.path, "#step=20").page
    look = "() => document.querySelector('#canvas').innerHTML.replace(/transform=\"translate[^\"]*scale[^\"]*\"/, '') + document.querySelector('#pages').innerHTML"
    before = page.evaluate(look)
    for key in ("End", "Home", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(look) == before


@browser
def test_a_broadcast_becomes_a_sum_with_numbers(demo, opened):
    steps = demo.picture.steps
    k = next(
        i
        for i, s in enumerate(steps)
        if s.phase == "backward" and demo.picture.node[s.node].op == "broadcast"
    )
    page = opened(demo.path, f"#step={k + 1}").page
    terms = page.locator(".contribution .sum mn").all_text_contents()
    assert len(terms) == 8
    signs = page.locator(".contribution .sum").text_content()
    numbers = [float(t.replace("−", "-")) for t in terms]
    result = float(page.locator(".contribution .worked .number").get_attribute("data-exact"))
    assert signs.count("+") == 7
    assert sum(numbers) == pytest.approx(result, abs=5e-3)


@browser
@pytest.mark.parametrize("op", ["matmul", "inner"])
def test_a_product_of_matrices_becomes_a_sum_of_products(op, opened, tmp_path):
    rng = np.random.default_rng(3)
    shapes = {"matmul": ((3, 4), (4, 2)), "inner": ((3, 4), (2, 4))}[op]
    x, w = [mg.tensor(rng.normal(size=s), requires_grad=True, name=n) for s, n in zip(shapes, "xw")]
    with mg.record() as rec:
        (getattr(mg, op)(x, w) * rng.normal(size=(3, 2))).sum().backward()
    view = picture(rec)
    k = next(
        i for i, s in enumerate(view.steps) if s.phase == "backward" and view.node[s.node].op == op
    )
    page = opened(mg.render(rec, tmp_path / "product.html"), f"#step={k + 1}").page
    for i, leaf in enumerate((x, w)):
        contribution = page.locator(".contribution").nth(i)
        texts = contribution.locator(".sum mn").all_text_contents()
        numbers = np.array([float(t.replace("−", "-")) for t in texts]).reshape(-1, 2)
        assert len(numbers) == (2, 3)[i]
        sent = float(contribution.locator(".worked .number").first.get_attribute("data-exact"))
        assert numbers.prod(axis=1).sum() == pytest.approx(sent, abs=2e-2)
        assert np.isclose(leaf.grad.numpy(), sent, rtol=1e-12).any()


@browser
def test_long_numbers_stay_inside(opened, tmp_path):
    """A product's sum goes over several lines; a constant's numbers leave the array room."""
    x = mg.tensor(np.full((4, 4), -0.12345), requires_grad=True, name="x")
    w = mg.tensor(np.full((4, 4), -1.2345), requires_grad=True, name="w")
    with mg.record() as rec:
        mg.sub(mg.matmul(x, w), np.array([[2.082122], [1.431701], [2.5], [3.125]])).sum().backward()
    view = picture(rec)
    k = next(
        i
        for i, s in enumerate(view.steps)
        if s.phase == "backward" and view.node[s.node].op == "matmul"
    )
    page = opened(mg.render(rec, tmp_path / "long.html"), f"#step={k + 1}").page
    assert page.locator(".contribution .sum").count() == 2
    outside = """all => all.filter((m) => m.getBoundingClientRect().right
        > m.closest(".contribution").getBoundingClientRect().right).length"""
    assert page.eval_on_selector_all(".contribution math", outside) == 0
    over = """all => all.filter((n) => { const box = n.querySelector(".box").getBBox();
        const text = n.querySelector(".title").getBBox();
        return text.x < box.x || text.x + text.width > box.x + box.width - 30; }).length"""
    constants = page.locator(".half.forward .node.constant")
    assert constants.count() > 0
    assert page.eval_on_selector_all(".half.forward .node.constant", over) == 0


@browser
def test_the_formula_shows_the_numbers_of_the_chosen_entry(demo, opened):
    k = next(
        i for i, s in enumerate(demo.picture.steps)
        if s.phase == "backward" and demo.picture.node[s.node].op == "mul"
    )  # fmt: skip
    page = opened(demo.path, f"#step={k + 1}").page
    page.locator('[data-array="sent0"] [data-index="3,1"]').click()
    formula = page.locator(".contribution .worked").first
    g, y = (
        float(t.replace("−", "-"))
        for t in formula.locator("math").nth(1).locator("mn").all_text_contents()
    )
    assert g == 1.0
    assert y == pytest.approx(demo.weights[3, 1], rel=1e-3)
    assert "at [3, 1]" in formula.text_content()
    assert "·" in formula.locator("math").nth(1).text_content()


# Routes ------------------------------------------------------------------------------------------


def routes_left(page):
    found = page.eval_on_selector_all("#differences .part", "all => all.map((c) => c.dataset.exact)")
    return np.array([float(t) for t in found])


@browser
def test_the_routes_add_up_to_the_gradient_and_cutting_one_is_seen(demo, opened):
    page = opened(demo.path).page
    page.click("#tab-routes")
    grad = demo.x.grad.numpy().ravel()
    assert page.locator(".routes li").count() == 4
    np.testing.assert_array_equal(routes_left(page), demo.picture.paths.total.entries)
    np.testing.assert_allclose(routes_left(page), grad, atol=1e-12)
    assert page.locator("tr.wrong").count() == 0
    assert page.text_content("#agreement").startswith("✓")

    page.click('[data-cut="variance"]')
    kept = demo.picture.paths.parts
    wanted = sum(np.array(p.value.entries) for p in kept if "variance" not in p.crossed)
    np.testing.assert_allclose(routes_left(page), wanted, atol=1e-15)
    wrong = page.locator("tr.wrong")
    assert wrong.count() == 24
    assert wrong.first.text_content().endswith("✗ differs")
    red = wrong.first.locator(".numeric").evaluate("e => getComputedStyle(e).color")
    assert red == page.locator("#agreement").evaluate("e => getComputedStyle(e).color")
    assert page.locator(".route.cut").count() > 0
    page.click('[data-cut="variance"]')
    assert page.locator("tr.wrong").count() == 0

    total = np.zeros(24)
    for route in range(4):
        for other in range(4):
            page.locator(f'input[data-route="{other}"]').set_checked(other == route)
        total += routes_left(page)
    np.testing.assert_allclose(total, grad, atol=1e-12)


@browser
def test_each_route_has_its_own_colour_and_line(demo, opened):
    page = opened(demo.path).page
    page.click("#tab-routes")
    looks = page.eval_on_selector_all(
        ".sample",
        "all => all.map((s) => [...s.children].map((p) => [p.getAttribute('stroke'), p.getAttribute('stroke-dasharray')]))",
    )
    assert len({str(look) for look in looks}) == 4
    lines = {str([dashes for _, dashes in look]) for look in looks}
    assert len(lines) == 4  # also without colour
    assert set(
        page.eval_on_selector_all(".backward .route", "all => all.map((r) => r.dataset.route)")
    ) == set("0123")


@browser
def test_the_bar_says_what_survives(demo, opened):
    page = opened(demo.path).page
    page.click("#tab-routes")
    label = page.get_attribute(".energy", "aria-label")
    paths = demo.picture.paths
    shares = [paths.survives, *[p.share for p in paths.parts[1:3]]]
    assert [float(s) for s in re.findall(r"([\d.]+) %", label)] == [round(100 * s, 1) for s in shares]
    assert sum(shares) == pytest.approx(1.0, abs=1e-3)


@browser
def test_a_gradient_that_cancels_says_so(opened, tmp_path):
    x = mg.tensor(np.random.default_rng(0).normal(size=(4, 3)), requires_grad=True, name="x")
    with mg.record() as rec:
        mg.batchnorm.composed(x).sum().backward()
    page = opened(write(tmp_path, picture(rec, ["mean", "variance"], "x"))).page
    page.click("#tab-routes")
    text = page.text_content("#page-routes")
    assert "cancels exactly" in text
    assert "NaN" not in text
    assert "100.0 % removed via the mean" in text


# Folding -----------------------------------------------------------------------------------------

EDGES = """half => [...document.querySelectorAll(`.edge[data-half="${half}"]`)].map((e) => {
  const path = e.querySelector(".line"), length = path.getTotalLength();
  const point = (at) => { const p = path.getPointAtLength(at); return [p.x, p.y]; };
  const box = (id) => {
    const g = document.querySelector(`[data-node="${id}"][data-half="${half}"]`);
    const [x, y] = g.getAttribute("transform").match(/-?[\\d.]+/g).map(Number);
    const shapes = [...g.querySelectorAll(".box")].map((b) => b.getBBox());
    return [x, y, x + Math.max(...shapes.map((b) => b.x + b.width)), y + Math.max(...shapes.map((b) => b.y + b.height))];
  };
  return { source: e.dataset.source, target: e.dataset.target, slot: e.dataset.slot, d: path.getAttribute("d"),
           first: point(0), last: point(length), from: box(e.dataset.source), to: box(e.dataset.target) };
})"""


def on_border(point, box):
    (x, y), (left, top, right, bottom) = point, box
    inside = left - 1 <= x <= right + 1 and top - 1 <= y <= bottom + 1
    return inside and min(abs(y - top), abs(y - bottom), abs(x - left), abs(x - right)) <= 7


def check_ends(page):
    for half in ("forward", "backward"):
        for edge in page.evaluate(EDGES, half):
            ends = (edge["from"], edge["to"]) if half == "forward" else (edge["to"], edge["from"])
            assert on_border(edge["first"], ends[0]), edge
            assert on_border(edge["last"], ends[1]), edge


def edges(page, half="forward"):
    return Counter((e["source"], e["target"], e["slot"], e["d"]) for e in page.evaluate(EDGES, half))


@browser
def test_folding_and_unfolding_keeps_the_ends_of_every_edge(network, opened):
    drawn, path = network
    page = opened(path).page
    page.click("#unfold-all")
    unfolded = edges(page)
    assert Counter((s, t) for s, t, *_ in unfolded.elements()) == Counter(
        (e.source, e.target) for e in drawn.edges
    )
    check_ends(page)
    for scope in drawn.scopes:
        page.locator(f'.forward [data-scope="{scope.id}"]').dispatch_event("click")
        wanted = Counter((e.source, e.target) for e in collapse(drawn, [scope.id]).edges)
        for half in ("forward", "backward"):
            assert Counter((s, t) for s, t, *_ in edges(page, half).elements()) == wanted
        check_ends(page)
        page.locator(f'.forward [data-node="{scope.id}"]').dispatch_event("click")
        assert edges(page) == unfolded
    page.click("#fold-all")
    outer = [s.id for s in drawn.scopes]
    assert Counter((s, t) for s, t, *_ in edges(page).elements()) == Counter(
        (e.source, e.target) for e in collapse(drawn, outer).edges
    )
    check_ends(page)
    page.click("#unfold-all")
    assert edges(page) == unfolded


MARKS = """half => [...document.querySelectorAll(`.edge[data-half="${half}"] .mark`)].map((mark) => {
  const b = mark.getBBox(), x = b.x + b.width / 2, y = b.y + b.height / 2;
  const away = (line) => {
    const length = line.getTotalLength(), found = [];
    for (let at = 0; at <= length; at += 1) found.push(line.getPointAtLength(at));
    return Math.min(...found.map((p) => Math.hypot(p.x - x, p.y - y)));
  };
  const own = mark.parentNode.querySelector(".line");
  const others = [...document.querySelectorAll(`.edge[data-half="${half}"] .line`)].filter((line) => line !== own);
  return [mark.textContent, away(own), Math.min(...others.map(away))];
})"""


COVERED = """() => {
  const boxes = [...document.querySelectorAll(".node .box")].map((b) => b.getBoundingClientRect());
  return [...document.querySelectorAll(".mark")].filter((mark) => {
    const { left, right, top, bottom } = mark.getBoundingClientRect(), x = (left + right) / 2, y = (top + bottom) / 2;
    return boxes.some((b) => b.left < x && x < b.right && b.top < y && y < b.bottom);
  }).map((mark) => mark.textContent);
}"""


@browser
def test_what_a_slot_is_called_stands_at_its_own_line(demo, opened, tmp_path):
    with mg.record() as rec:
        x = mg.tensor([0.5, 1.0, 2.0], requires_grad=True, name="x")
        y = mg.where(x > 0.7, x, x.mean()) / (x - x.mean() + 9.0) ** x
        ((x.mean() - x) - (x.sum() / x) - (x @ mg.exp(x)) - mg.sin(x) - y).sum().backward()
    for path in (demo.path, write(tmp_path, picture(rec))):
        page = opened(path).page
        for half in ("forward", "backward"):
            marks = page.evaluate(MARKS, half)
            assert len(marks) >= 2
            assert [m for m in marks if m[1] >= m[2]] == []
    traced = mg.trace(mg.grad(lambda x: (mg.sin(x @ x) - mg.mean(x)).sum()), np.eye(3))
    page = opened(write(tmp_path, picture(traced))).page
    assert page.locator(".mark").count() >= 3
    assert page.evaluate(COVERED) == []


def made_up(boxes, each):
    """A picture of boxes with different operations in a row: nothing in it repeats."""
    nodes = [Node("v0", "input", 0, "x", "", True, "", "", label="x")]
    for i in range(boxes * each):
        scope = f"s{i // each}" if boxes > 1 else ""
        nodes.append(
            Node(
                f"e{i}",
                "op",
                0,
                f"op{i}",
                f"v{i}",
                False,
                scope,
                "",
                op=f"op{i}",
                label=f"v{i}",
                operands=(nodes[-1].id,),
            )
        )
    ids = [n.id for n in nodes]
    scopes = [Scope(f"s{i}", f"box {i}", "", 0, str(i)) for i in range(boxes)] if boxes > 1 else []
    return Picture(
        "made up",
        "",
        tuple(nodes),
        tuple(Edge(a, b, 0, "") for a, b in itertools.pairwise(ids)),
        tuple(scopes),
    )


@browser
def test_a_large_graph_opens_folded(opened, tmp_path):
    page = opened(write(tmp_path, made_up(30, 20))).page
    assert page.locator("[data-node]").count() == 31
    page.locator('[data-node="s3"]').dispatch_event("click")
    assert page.locator("[data-node]").count() == 50


@browser
def test_the_number_of_copies_stands_inside_the_box(opened, tmp_path):
    y = mg.tensor(1.0, requires_grad=True, name="x")
    for _ in range(600):
        y = mg.sin(y) * 1.01
    page = opened(mg.render(y, tmp_path / "chain.html")).page
    inside = """n => { const box = n.querySelector("rect").getBBox(), text = n.querySelector(".detail").getBBox();
        return [text.x - box.x, box.x + box.width - text.x - text.width].map(Math.sign); }"""
    fold = page.locator(".half .node.fold")
    assert fold.locator(".detail").text_content() == "2 operations each × 600"
    assert fold.evaluate(inside) == [1, 1]


@browser
def test_boxes_are_shut_at_first_as_wanted(network, opened, tmp_path):
    drawn, path = network
    page = tmp_path / "page.html"
    watched = opened(path)
    for how in ("all", "none", 1, ["1: BatchNorm1d"]):
        page.write_text(to_html(drawn, fold=how), "utf-8")
        watched.open(page)
        shown = watched.page.locator(".forward [data-node]").evaluate_all(
            "all => all.map((n) => n.dataset.node)"
        )
        assert set(shown) == {n.id for n in fold(drawn, how).nodes}, how


@browser
def test_a_huge_graph_is_refused_in_words(opened, tmp_path):
    page = opened(write(tmp_path, made_up(1, 5_001))).page
    assert page.locator("[data-node]").count() == 0
    assert "5,002 nodes would be visible, and this page draws at most 5,000" in page.text_content(
        "#refusal"
    )
    assert page.locator("#refusal").is_visible()


def everything():
    """Records of many kinds: several outputs and passes, odd numbers, odd shapes, odd types."""
    a = mg.tensor(np.array([[2.0, 1.0], [1.0, 3.0]]), requires_grad=True, name="a")
    v = mg.tensor(np.array([1.0, -2.0]), requires_grad=True, name="v")
    f = mg.tensor(np.array([[0.5], [1.5]], np.float32), requires_grad=True, name="f")
    empty = mg.tensor(np.zeros((0, 3)), requires_grad=True, name="empty")
    large = mg.tensor(
        np.random.default_rng(0).normal(size=(3, 40, 50)), requires_grad=True, name="large"
    )

    def twice():
        y = (v * v).sum()
        y.backward()
        (v * 3.0).sum().backward()

    def higher():
        _, pullback = mg.vjp(lambda t: (t**3).sum(), v)
        (pullback(1.0)[0] * v).sum().backward()

    return {
        "eigh": lambda: (mg.linalg.eigh(a)[1] * mg.linalg.eigh(a)[0]).sum().backward(),
        "matmul": lambda: ((a @ v) @ v).backward(),
        "inner": lambda: mg.inner(a, a * 2.0).sum().backward(),
        "product": lambda: (a @ a).sum().backward(),
        "where": lambda: mg.where(v.data > 0, v, v * 2.0).sum().backward(),
        "clip": lambda: mg.clip(v, 0.0, 2.0).sum().backward(),
        "float32 and broadcasting": lambda: (f * np.ones((2, 3), np.float32)).sum().backward(),
        "keepdims": lambda: (a - a.mean(axis=1, keepdims=True)).prod().backward(),
        "not finite": lambda: (v / np.array([0.0, np.inf])).sum().backward(),
        "empty": lambda: (empty * 2.0).sum().backward(),
        "large": lambda: (large * large).mean().backward(),
        "index": lambda: v[np.array([0, 0, 1])].sum().backward(),
        "zero": lambda: (v * 0.0).sum().backward(),
        "twice": twice,
        "higher": higher,
        "forward alone": lambda: (v * v).sum(),
    }


# Goes through all steps, then chooses every node; gives back what stands in the panel.
TOUR = """steps => {
  const texts = [], seen = {};
  for (let k = 0; k < steps; k++) {
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
    texts.push(document.querySelector("#pages").textContent);
  }
  for (const node of document.querySelectorAll(".half:last-of-type [data-node]")) {
    node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    seen[node.dataset.node] = document.querySelector(".chosen .state").textContent;
  }
  return [texts, seen];
}"""


@browser
def test_nothing_goes_wrong_with_any_record(demo, opened, tmp_path):
    watched = opened(demo.path)
    for name, run in everything().items():
        with np.errstate(all="ignore"), mg.record() as rec:
            run()
        drawn = picture(rec, title=name)
        path = tmp_path / f"{name}.html"
        path.write_text(to_html(drawn), "utf-8")
        watched.open(path)
        texts, seen = watched.page.evaluate(TOUR, len(drawn.steps))
        for k, text in enumerate(texts, 1):
            assert f"step {k} of {len(drawn.steps)}" in text
            assert "undefined" not in text, (name, k)
        assert seen == {n.id: n.gradient_state for n in drawn.nodes}, name
        assert watched.complaints == [], name


# Control -----------------------------------------------------------------------------------------


def focused(page):
    return page.evaluate("""() => {
      const e = document.activeElement;
      return e.id || e.dataset?.node || e.dataset?.scope || e.dataset?.show || e.dataset?.cut || e.dataset?.route || e.className || e.tagName;
    }""")


@browser
def test_the_keyboard_alone_reaches_everything(demo, opened):
    page = opened(demo.path, "#step=22").page
    seen = []
    for _ in range(80):
        page.keyboard.press("Tab")
        seen.append(focused(page))
        if seen[-1] == "speed":
            break
    controls = page.eval_on_selector_all(
        "header button, header input, #views button, #scrubber button, #scrubber input, #scrubber select, #panel [type=checkbox]",
        "all => all.filter((e) => e.checkVisibility()).map((e) => e.id || e.dataset.show)",
    )
    assert set(controls) <= set(seen)
    assert {"tab-step", "page-step"} <= set(seen)
    assert any(s.startswith("cell") for s in seen)  # numbers

    page.locator("#svg [tabindex='0']").focus()  # the one stop of Tab in the graph
    stops = [focused(page)]
    for _ in range(60):
        page.keyboard.press("ArrowDown")
        stops.append(focused(page))
    assert set(stops) >= {n.id for n in demo.picture.nodes} | {s.id for s in demo.picture.scopes}
    outline = page.evaluate(
        "() => getComputedStyle(document.activeElement.querySelector('.box')).strokeWidth"
    )
    assert outline == "4px"

    page.keyboard.press("Enter")
    assert page.locator(".chosen").is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".chosen").count() == 0
    assert focused(page) == stops[-1]  # closing a card does not lose the place
    page.keyboard.press("Enter")
    page.locator(".chosen button").last.focus()
    page.keyboard.press("Enter")
    assert focused(page) == stops[-1]
    page.locator('.forward [data-scope="s0"]').focus()
    page.keyboard.press("Enter")
    assert focused(page) == "s0"
    assert page.locator('.forward .node[data-node="s0"]').count() == 1
    page.keyboard.press("Enter")
    assert page.locator('.forward .node[data-node="s0"]').count() == 0

    page.locator("#tab-step").focus()
    page.keyboard.press("ArrowRight")
    assert focused(page) == "tab-routes"
    assert page.locator("#page-routes").is_visible()
    page.locator('[data-cut="mean"]').focus()
    page.keyboard.press("Enter")
    assert focused(page) == "mean"
    assert page.locator("tr.wrong").count() > 0
    page.locator("#tab-routes").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#page-table tbody tr").count() == len(demo.picture.steps)
    page.locator("#page-table .jump").nth(4).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#step=5"
    assert page.evaluate("document.activeElement.dataset.step") == "5"


@browser
def test_keys_step_and_the_address_says_where(demo, opened):
    page = opened(demo.path, "#step=12").page
    assert page.input_value("#slider") == "12"
    for key, step in (
        ("ArrowRight", 13),
        ("ArrowLeft", 12),
        ("Home", 0),
        ("ArrowLeft", 0),
        ("End", 33),
        ("ArrowRight", 33),
    ):
        page.keyboard.press(key)
        assert page.input_value("#slider") == str(step)
        assert page.evaluate("location.hash") == f"#step={step}"
    page.evaluate("location.hash = '#step=7'")
    wait_until(page, "document.querySelector('#slider').value === '7'")
    page.select_option("#speed", "200")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    wait_until(page, "Number(document.querySelector('#slider').value) > 8")
    page.keyboard.press("Space")
    assert page.text_content("#play") == "▶ Play"


@browser
def test_a_step_is_announced_and_nodes_have_names(demo, opened):
    page = opened(demo.path).page
    page.keyboard.press("End")
    wait_until(page, "document.querySelector('#live').textContent.includes('33')")
    assert page.text_content("#live") == "Step 33 of 33, backward, x: its gradient is complete"
    labels = dict(page.eval_on_selector_all(
        "[data-node]", "all => all.map((n) => [n.dataset.half + n.dataset.node, n.getAttribute('aria-label')])"
    ))  # fmt: skip
    k = 1 + next(
        i for i, s in enumerate(demo.picture.steps) if s.phase == "backward" and s.node == "e8"
    )
    assert labels["backwarde8"].startswith(f"step {k}, div norm ")
    assert labels["forwarde8"].startswith("step 9, div x_hat (8, 3), inputs v")
    assert labels["backwarde8"].endswith(", gradient of x_hat")
    assert all(labels.values())


@browser
def test_pointing_at_a_node_shows_both_twins(demo, opened):
    page = opened(demo.path).page
    page.locator('[data-node="e2"][data-half="backward"]').hover()
    assert page.locator(".node.hot").evaluate_all(
        "all => all.map((n) => n.dataset.node + n.dataset.half)"
    ) == ["e2forward", "e2backward"]
    page.locator('[data-node="e4"][data-half="forward"]').focus()
    assert set(page.locator(".node.hot").evaluate_all("all => all.map((n) => n.dataset.node)")) == {
        "e4"
    }


@browser
def test_the_twin_is_the_mirror_image(demo, opened):
    page = opened(demo.path).page
    boxes = page.eval_on_selector_all(
        "[data-node]",
        "all => all.map((n) => [n.dataset.half, n.dataset.node, ...n.getAttribute('transform').match(/[\\d.]+/g).map(Number), n.querySelector('.box').getBBox().width])",
    )
    place = {(half, node): (x, y, w) for half, node, x, y, w in boxes}
    width = max(x + w for x, y, w in place.values())
    sums = set()
    for node in demo.picture.nodes:
        (x, y, w), (mx, my, mw) = place["forward", node.id], place["backward", node.id]
        assert (y, w) == (my, mw)
        sums.add(x + mx + w)
    assert len(sums) == 1
    assert sums.pop() >= width - 1


@browser
def test_search_by_name_and_operation(demo, opened):
    page = opened(demo.path).page
    page.keyboard.press("/")
    page.keyboard.type("mean")
    assert page.text_content("#found") == "2 found"
    found = page.locator(".forward .node.found").evaluate_all("all => all.map((n) => n.dataset.node)")
    assert found == [n.id for n in demo.picture.nodes if n.op == "mean"]
    page.keyboard.press("Enter")
    assert page.locator(".chosen h2").text_content().startswith("mean")


@browser
def test_zoom_and_pan(demo, opened):
    page = opened(demo.path).page
    where = "() => document.querySelector('#drawing').getAttribute('transform').match(/-?[\\d.]+/g).map(Number)"
    x, y, scale = page.evaluate(where)
    page.mouse.move(500, 400)
    page.mouse.wheel(0, -300)
    wait_until(page, f"({where})()[2] > {scale}")
    x, y, scale = page.evaluate(where)
    page.mouse.move(30, 700)
    page.mouse.down()
    page.mouse.move(80, 650, steps=4)
    page.mouse.up()
    x2, y2, scale2 = page.evaluate(where)
    assert (x2 - x, y2 - y) == pytest.approx((50, -50))
    assert scale2 == scale
    page.click("#zoom-fit")
    box = page.locator("#drawing").bounding_box()
    stage = page.locator("#canvas").bounding_box()
    assert box["y"] >= stage["y"]
    assert box["y"] + box["height"] <= stage["y"] + stage["height"]


@browser
def test_predict_hides_and_checks_the_next_number(demo, opened):
    steps = demo.picture.steps
    k = next(i for i, s in enumerate(steps) if s.phase == "backward" and s.node == "e8")
    page = opened(demo.path, f"#step={k}").page
    page.keyboard.press("p")
    contribution = steps[k].contributions[0]
    wanted = contribution.value.entries[0]
    assert repr(wanted)[:8] not in page.text_content("#pages")
    page.fill("#answer", repr(-wanted))
    page.keyboard.press("Enter")
    assert "look at the sign" in page.text_content("#verdict")
    page.fill("#answer", f"{wanted:.3g}")
    page.keyboard.press("Enter")
    assert page.text_content("#verdict").startswith("✓ Right")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    assert array(page, "sent0")[0] == wanted


# Saving, comparing, looks ------------------------------------------------------------------------


@browser
def test_saves_svg_and_png(demo, opened, tmp_path):
    page = opened(demo.path, "#step=20").page
    with page.expect_download() as download:
        page.click("#save-svg")
    assert download.value.suggested_filename == "Batch-normalization-step-20.svg"
    download.value.save_as(tmp_path / "a.svg")
    root = ET.parse(tmp_path / "a.svg").getroot()
    texts = {t.strip() for t in root.itertext()}
    assert {"Forward", "Backward", "not run", "variance (3,)"} <= texts
    assert root.findall(".//{*}rect")[1].get("fill") not in (None, "")
    with page.expect_download() as download:
        page.click("#save-png")
    download.value.save_as(tmp_path / "a.png")
    png = (tmp_path / "a.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(png[16:20], "big") > 1000


@browser
def test_compares_composed_with_fused(demo, opened, tmp_path):
    rec, *_ = record_batchnorm(mg.batchnorm.fused, demo.weights)
    page = opened(write(tmp_path, demo.picture, picture(rec, title="Fused"))).page
    page.click("#tab-compare")
    rows = page.eval_on_selector_all(
        "#page-compare tbody tr",
        "all => all.map((r) => [r.className, ...[...r.children].map((c) => c.textContent)])",
    )
    kinds = {(row[2], row[3]): row[0] for row in rows}
    assert kinds["variance", "mean"] == "missing"
    assert {kind for (_, op), kind in kinds.items() if op == "batchnorm"} == {"added"}
    assert kinds["x", "input"] == "same"
    assert "changed" not in kinds.values()
    largest = [
        float(t)
        for t in re.findall(r"(?:values|gradients) (\d[\d.e+-]*),", page.text_content("#largest"))
    ]
    assert len(largest) == 2
    assert max(largest) < 1e-12
    assert page.locator(".forward .verdict.missing").count() == sum(row[0] == "missing" for row in rows)
    page.click('[data-which="1"]')
    assert page.text_content("h1") == "Fused"
    assert page.locator(".forward .verdict.added").text_content() == "+"


@browser
def test_a_changed_value_is_marked(demo, opened, tmp_path):
    rec, *_ = record_batchnorm(mg.batchnorm.composed, demo.weights * 2)
    page = opened(write(tmp_path, demo.picture, picture(rec, title="twice"))).page
    page.click("#tab-compare")
    assert "✗" in page.text_content("#largest")
    assert page.locator("#page-compare tr.changed").count() > 0
    assert page.locator("#page-compare tr.changed td").first.text_content() == "≠ changed"


@browser
def test_compares_a_record_with_a_graph_that_was_not_recorded(demo, opened, tmp_path):
    other = picture(mg.trace(mg.batchnorm.composed, np.eye(3)), title="traced")
    page = opened(write(tmp_path, demo.picture, other), "#step=30").page
    page.click("#tab-compare")
    page.click('[data-which="1"]')
    assert page.text_content("h1") == "traced"
    assert page.locator(".half").count() == 1
    assert page.locator("#scrubber").is_hidden()
    page.click('[data-which="0"]')
    assert page.locator(".half").count() == 2
    page.keyboard.press("End")
    assert page.input_value("#slider") == str(len(demo.picture.steps))


@browser
def test_names_are_only_text(opened, tmp_path):
    x = mg.tensor([1.0, 2.0], requires_grad=True, name=EVIL)
    with mg.record() as rec, mg.scope(EVIL):
        y = x * x
        y.name = '<b>"&amp;\u202e\x00'
        y.sum().backward()
    page = opened(write(tmp_path, picture(rec, [y.name], EVIL, title=EVIL)), "#step=3").page
    for tab in page.locator("[role=tab]").all():
        tab.click()
    choose(page, "v0")
    assert page.locator("img, b[onerror], iframe").count() == 0
    assert page.text_content("h1") == EVIL
    assert page.title() == EVIL
    assert EVIL in page.text_content(".chosen h2")
    assert page.locator("#canvas").inner_text().count("&amp;") >= 1  # as it was written


@browser
def test_works_in_a_notebook(opened, tmp_path):
    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    with mg.record() as rec:
        (x * x).sum().backward()
    path = tmp_path / "notebook.html"
    path.write_text(
        f"<!DOCTYPE html><title>notebook</title>{representations(rec)['text/html']}", "utf-8"
    )
    frame = opened(path).page.frames[1]
    frame.locator("#last").click()
    frame.locator('.forward [data-node="v0"]').dispatch_event("click")
    shown = frame.locator('[data-array="node gradient"] .cell').evaluate_all(
        "all => all.map((c) => c.dataset.exact)"
    )
    assert [float(t) for t in shown] == x.grad.numpy().tolist()


@browser
def test_a_graph_that_was_not_recorded_is_shown_too(opened, tmp_path):
    traced = mg.trace(mg.grad(lambda x: (x**3).sum()), np.array([1.0, 2.0]))
    page = opened(write(tmp_path, picture(traced))).page
    assert page.locator("#scrubber").is_hidden()
    assert page.locator(".half").count() == 1
    assert page.locator("[data-node]").count() == len(picture(traced).nodes)
    op = next(n.id for n in picture(traced).nodes if n.op == "pow")
    choose(page, op)
    assert "not recorded" in page.text_content(".chosen")
    assert page.locator(".chosen math").count() == 2


@browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dark_and_light_follow_the_system_and_the_switch(demo, opened, scheme):
    page = opened(demo.path, color_scheme=scheme).page
    paper = "() => getComputedStyle(document.querySelector('header')).backgroundColor.match(/\\d+/g).map(Number)[0] > 128"
    assert page.evaluate(paper) == (scheme == "light")
    page.click("#theme")
    assert page.evaluate(paper) is True
    page.click("#theme")
    assert page.evaluate(paper) is False


@browser
def test_fits_a_phone(demo, opened):
    page = opened(demo.path, "#step=22", viewport={"width": 360, "height": 740}).page
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    node = page.locator(".node.running").bounding_box()
    assert 0 <= node["x"] <= node["x"] + node["width"] <= 360
    assert 0 <= node["y"] <= 740
    for control in ("#next", "#play", "#slider"):
        box = page.locator(control).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        assert box["y"] + box["height"] <= 740
    page.tap("#next") if page.evaluate("'ontouchstart' in window") else page.click("#next")
    assert page.input_value("#slider") == "23"


@browser
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1400, 900)])
def test_nothing_covers_the_graph_or_is_cut(demo, opened, width, height):
    page = opened(demo.path, "#step=18", viewport={"width": width, "height": height}).page

    def apart(selector):
        canvas = page.locator("#canvas").bounding_box()
        box = page.locator(selector).bounding_box()
        below = box["y"] >= canvas["y"] + canvas["height"]
        assert below or box["y"] + box["height"] <= canvas["y"], selector

    for selector in ("#halves", "#zooms", "#legend"):
        apart(selector)
    for button in page.locator("header button:visible").all():
        box = button.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    rule = page.locator("#page-step .rule math").first.bounding_box()
    assert rule["y"] + rule["height"] <= page.locator("#scrubber").bounding_box()["y"]
    page.click("#tab-table")
    assert page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.scroll'))") <= 0
    if width < 760:
        page.click("#legend summary")
        apart("#legend")


@browser
def test_after_a_mouse_click_on_a_tab_the_keys_step(demo, opened):
    page = opened(demo.path).page
    for tab in ("routes", "table", "step"):
        page.click(f"#tab-{tab}")
        for key, step in (("ArrowRight", "1"), ("ArrowRight", "2"), ("ArrowLeft", "1"), ("Home", "0")):
            page.keyboard.press(key)
            assert page.input_value("#slider") == step
            assert page.get_attribute(f"#tab-{tab}", "aria-selected") == "true"
    page.keyboard.press("End")
    assert page.input_value("#slider") == page.get_attribute("#slider", "max")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")  # the keyboard has brought the focus: now it turns tabs
    assert page.get_attribute("#tab-routes", "aria-selected") == "true"


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The source of axe-core, from npm."""
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(
        ["npm", "pack", "--silent", "axe-core@4"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        missing("the npm package axe-core")
    with tarfile.open(next(folder.glob("*.tgz"))) as package:
        return package.extractfile("package/axe.min.js").read().decode()


@browser
@pytest.mark.npm
@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 360)])
def test_axe_finds_no_serious_problem(demo, opened, axe, scheme, width):
    page = opened(
        demo.path, "#step=22", color_scheme=scheme, viewport={"width": width, "height": 800}
    ).page
    page.evaluate(axe + "; undefined")
    page.locator("#legend summary").click()
    choose(page, "e2", "backward")
    for view in ("step", "routes", "table"):
        page.click(f"#tab-{view}")
        if view == "routes":
            page.click('[data-cut="variance"]')
        found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        serious = [
            (v["id"], v["help"], [n["html"][:200] for n in v["nodes"][:30]])
            for v in found["violations"] if v["impact"] in ("serious", "critical")
        ]  # fmt: skip
        assert serious == []
        assert found["passes"]
