"""``minigrad graph``: what it finds in a script, what it draws, and one clear line per error."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from minigrad.cli import graph, main
from minigrad.render import from_json

SCRIPT = """
import numpy as np
import minigrad as mg

x = mg.tensor(np.arange(6.0).reshape(3, 2), requires_grad=True, name="x")
w = mg.tensor(np.ones((2, 1)), requires_grad=True, name="w")
hidden = mg.tanh(x @ w)
loss = (hidden**2).sum()

def layer(a, b):
    return mg.sin(a @ b)

def layer_inputs():
    return np.eye(3), np.ones((3, 2))

def cube(z=2.0, *, power=3):
    return z**power

def main(steps=3):
    raise SystemExit("never called")

model = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.ReLU(), mg.nn.Linear(4, 2))
model_inputs = "x=randn(5, 3)"

g = mg.trace(layer, *layer_inputs(), values=True)
with mg.record() as rec:
    layer(mg.tensor(np.eye(3), requires_grad=True), np.ones((3, 2))).sum().backward()

if __name__ == "__main__":
    raise SystemExit("not as a script")
"""
ROOT = Path(__file__).resolve().parents[2]
HEAD = "import numpy as np\nimport minigrad as mg\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Write a script, run the command in its folder, and look at what came of it."""
    monkeypatch.chdir(tmp_path)

    def command(words, text=SCRIPT, code=0):
        (tmp_path / "mine.py").write_text(text, encoding="utf-8")
        assert main(["graph", *words.split()]) == code
        streams = capsys.readouterr()
        return streams.out if code == 0 else streams.err

    return command


def picture(path):
    return from_json(path.read_text())


def ops(path):
    return [n.op for n in picture(path).nodes if n.kind == "op"]


# What is drawn ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("loss", ["matmul", "tanh", "pow", "sum"]),
        ("hidden", ["matmul", "tanh"]),
        ("layer", ["matmul", "sin"]),
        ("cube", ["pow"]),
        ("g", ["matmul", "sin"]),
        ("rec", ["matmul", "sin", "sum"]),
        (
            "model",
            ["inner", "broadcast", "add", "relu", "inner", "broadcast", "add"],
        ),
    ],
)
def test_every_kind_of_thing_is_drawn(run, tmp_path, name, found):
    assert run(f"mine.py:{name} -o out.json") == "written: out.json\n"
    assert ops(tmp_path / "out.json") == found
    assert picture(tmp_path / "out.json").title == name


def test_arguments_have_the_names_of_the_parameters(run, tmp_path):
    for name, inputs in (("layer", ["a", "b"]), ("cube", ["z"]), ("model", ["x"])):
        run(f"mine.py:{name} -o out.json")
        drawn = picture(tmp_path / "out.json")
        assert [n.title for n in drawn.nodes if n.kind == "input"] == inputs
        assert all(n.value is not None for n in drawn.nodes if n.kind == "op")


@pytest.mark.parametrize("suffix", ["svg", "png", "dot", "mmd", "json", "txt", "html"])
def test_every_format(run, tmp_path, suffix):
    run(f"mine.py:loss -o out.{suffix}")
    data = (tmp_path / f"out.{suffix}").read_bytes()
    starts = {"svg": b"<svg", "png": b"\x89PNG", "dot": b"digraph", "mmd": b"---\n", "json": b'{"format"',
              "txt": b"graph(x: f64[3,2], w: f64[2,1])", "html": b"<!doctype html>"}  # fmt: skip
    assert data.lower().startswith(starts[suffix].lower())


@pytest.mark.dot
def test_pdf(run, tmp_path):
    run("mine.py:loss -o out.pdf")
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")


def test_options_reach_the_picture(run, tmp_path):
    text = HEAD + "bn = mg.batchnorm.composed\nbn_inputs = np.eye(4)\n"
    run(
        "mine.py:bn -o o.svg --paths mean,variance --wrt x --title Mine --direction right --show values",
        text,
    )
    svg = (tmp_path / "o.svg").read_text()
    shown = [
        "".join(t.itertext())
        for t in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert "Mine" in shown
    assert "via variance, then mean" in shown
    run("mine.py:bn -o o.dot --fold all", text)
    assert "9 operations" in (tmp_path / "o.dot").read_text()
    run("mine.py:bn -o o.dot --fold 0 --direction right", text)
    assert "9 operations" in (tmp_path / "o.dot").read_text()
    run("mine.py:bn -o o.dot --fold batchnorm", text)
    assert 'rankdir="TB"' in (tmp_path / "o.dot").read_text()
    assert "there are batchnorm" in run("mine.py:bn -o o.dot --fold nosuch", text, code=2)


def test_inputs_from_the_command_line(run, tmp_path):
    text = HEAD + "def f(x, n):\n    return mg.sin(x) * n\n"
    run("mine.py:f -o o.json --inputs x=randn(2,3),n=3", text)
    drawn = picture(tmp_path / "o.json")
    assert [n.title for n in drawn.nodes if n.kind in ("input", "op")] == ["x", "sin", "mul(·, 3)"]


@pytest.mark.parametrize("name", ["layer", "model", "cube", "norm", "loss"])
@pytest.mark.parametrize("words", ["", "--backward"])
def test_everything_comes_from_a_line_of_the_script(run, tmp_path, name, words):
    text = SCRIPT.replace(
        "if __name__", "norm = mg.batchnorm.composed\nnorm_inputs = np.eye(3)\nif __name__"
    )
    run(f"mine.py:{name} {words} -o out.json", text)
    made = [
        n.source for n in picture(tmp_path / "out.json").nodes if n.kind in ("input", "op", "parameter")
    ]
    assert {file for file, _, _ in made} == {"mine.py"}
    written = text.splitlines()
    assert all(line == written[number - 1].strip() for _, number, line in made)
    if name == "norm":
        assert {line for _, _, line in made} == {"norm = mg.batchnorm.composed"}


def test_random_cotangents_are_not_those_of_a_usual_seed(run, tmp_path):
    text = (
        HEAD + "bn = mg.batchnorm.composed\nbn_inputs = np.random.default_rng(0).normal(size=(4, 3))\n"
    )
    run("mine.py:bn --backward -o out.json", text)
    (x,) = [n for n in picture(tmp_path / "out.json").nodes if n.kind == "input"]
    assert x.gradient.norm > 0.1


# The backward pass -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["loss", "hidden", "layer", "cube", "g", "rec", "model"])
def test_steps_of_a_backward_pass_are_recorded(run, tmp_path, name):
    run(f"mine.py:{name} --backward -o out.json")
    drawn = picture(tmp_path / "out.json")
    assert {step.phase for step in drawn.steps} == {"forward", "backward"}
    assert {step.backward_pass for step in drawn.steps} == {0, 1}
    gradients = [n for n in drawn.nodes if n.kind in ("input", "parameter") and n.gradient is not None]
    assert gradients
    assert any(n.gradient.norm > 0 for n in gradients)


@pytest.mark.parametrize("name", ["loss", "hidden", "layer", "cube", "g", "model"])
def test_other_formats_hold_the_backward_pass_as_a_graph(run, tmp_path, name):
    run(f"mine.py:{name} --backward -o out.txt")
    text = (tmp_path / "out.txt").read_text()
    assert "backward:\n" in text
    wanted = {
        "loss": "d_x",
        "hidden": "d_w",
        "layer": "d_a",
        "cube": "d_z",
        "g": "d_b",
        "model": "d_0.weight",
    }
    assert wanted[name] in text.splitlines()[-1]


def test_the_backward_pass_of_the_script_itself_is_recorded(run, tmp_path):
    text = HEAD + (
        "x = mg.tensor([1.0, 2.0], requires_grad=True, name='x')\n"
        "y = mg.exp(x)\ny.backward([1.0, 0.0])\n"
    )
    run("mine.py --backward -o out.json", text)
    drawn = picture(tmp_path / "out.json")
    assert max(step.backward_pass for step in drawn.steps) == 1
    (x,) = [n for n in drawn.nodes if n.kind == "input"]
    assert x.gradient.entries[1] == 0.0
    message = run("mine.py --backward -o out.svg", text, code=2)
    assert "y: the script has called backward() on it" in message
    assert "retain_graph=True" in message


def test_gradients_left_by_the_script_do_not_count(run, tmp_path):
    text = SCRIPT.replace("if __name__", "model(np.ones((1, 3), 'f4')).sum().backward()\nif __name__")
    for words in ("mine.py:model --backward -o out.json", "mine.py:model --backward -o out.txt"):
        run(words, text)
    drawn = picture(tmp_path / "out.json")
    steps = [s for s in drawn.steps if s.phase == "backward"]
    for node in drawn.nodes:
        if node.kind == "parameter":
            arrived = [c.after for s in steps for c in s.contributions if c.target == node.id]
            assert node.gradient == arrived[-1]


def test_an_output_that_is_no_scalar_gets_the_same_random_numbers_each_time(run, tmp_path):
    results = []
    for _ in range(2):
        run("mine.py:layer --backward -o out.json")
        results.append((tmp_path / "out.json").read_text())
    assert results[0] == results[1]


@pytest.mark.parametrize("words", ["", "--backward"])
def test_two_are_compared_on_one_page(run, tmp_path, words):
    text = HEAD + (
        "composed, fused = mg.batchnorm.composed, mg.batchnorm.fused\n"
        "example_inputs = np.eye(4)\nx = mg.tensor(np.eye(4), requires_grad=True)\n"
        "one, two = composed(x).sum(), (x**3).sum()\n"
    )
    for names in ("mine.py:composed --compare fused", "mine.py:one --compare two"):
        run(f"{names} {words} -o out.html", text)
        page = (tmp_path / "out.html").read_text(encoding="utf-8")
        for title in names[8:].split(" --compare "):
            assert f'"title":"{title}"' in page.replace("\\", "")
    assert "for a path in .html only" in run("mine.py:one --compare two -o out.svg", text, code=2)
    assert "has no 'three'" in run("mine.py:one --compare three -o out.svg", text, code=2)


# Which one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("x = mg.tensor(1.0, requires_grad=True)\ny = mg.sin(x)\nz = y * y", "z"),
        ("x = mg.tensor(1.0, requires_grad=True)\nz = same = mg.sin(x)", "z"),
        ("def f(x): return x**2\ndef helper(a, b): return a\nf_inputs = (np.ones(2),)", "f"),
        ("def f(x): return x**2\nexample_inputs = {'x': np.ones(2)}", "f"),
        ("@mg.checked('x=randn(3)')\ndef f(x): return x**2\ndef helper(a): return a", "f"),
        ("def f(x=np.ones(3), n=2): return x**n\ndef run(verbose=True): raise ValueError", "f"),
        (
            "from minigrad.functional import softmax\nx = mg.tensor(1.0, requires_grad=True)\ny = x * 2.0",
            "y",
        ),
        ("x = mg.tensor(1.0, requires_grad=True)\ny = x * 2.0\ng = mg.trace(mg.sin, 1.0)", "g"),
    ],
)
def test_the_obvious_one_is_drawn(run, tmp_path, text, chosen):
    assert run("mine.py -o out.json", HEAD + text) == "written: out.json\n"
    assert picture(tmp_path / "out.json").title == chosen


def test_without_a_path_it_is_a_page_named_like_the_thing(run, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(graph.webbrowser, "open", opened.append)
    assert run("mine.py:loss --open") == "written: loss.html\n"
    assert opened == [(tmp_path / "loss.html").as_uri()]


# What goes wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text", "message"),
    [
        ("nosuch.py", "", "there is no file 'nosuch.py'."),
        ("nosuch:f", "", "there is no file and no module 'nosuch'."),
        ("mine.py -o out.bmp", SCRIPT, "--out out.bmp: the suffix says how to draw, and there are .html, .svg"),
        ("mine.py -o out", SCRIPT, "--out out: the suffix says how to draw"),
        ("mine.py -o no/out.svg", SCRIPT, "--out no/out.svg: there is no folder 'no'."),
        ("mine.py:nosuch", SCRIPT, "mine.py has no 'nosuch'. There is g, rec, layer, model, loss, cube."),
        ("mine.py", SCRIPT, "mine.py holds several things to draw; name one, mine.py:rec. There is g, rec"),
        ("mine.py:Net", HEAD + "class Net(mg.nn.Module): pass", "Net is a class; make an object of it, net = Net(...), and name"),
        ("mine.py:mg", SCRIPT, "mg is of type module; drawn can be a Tensor, a Graph, a Record, a function"),
        ("mine.py", HEAD, "mine.py holds nothing to draw at its top level"),
        ("mine.py", HEAD + "a = 1\nb = a / 0\n", "mine.py, line 4, fails with ZeroDivisionError: division by zero"),
        ("mine.py", "a = (1,\n", "mine.py, line 1, fails with SyntaxError"),
        ("mine.py", "import sys\nsys.exit(3)\n", "mine.py, line 2, leaves with sys.exit(3). Put that under if __name__"),
        ("mine.py:f", HEAD + "def f(x): return x", "f: what are its inputs? Define f_inputs = (array, ...)"),
        ("mine.py", HEAD + "def f(x):\n    return x.nosuch\nf_inputs = np.ones(2)", "mine.py:f, line 4, fails with AttributeError"),
        ("mine.py --backward", HEAD + "def f(x): return mg.floor(x) > 1\nf_inputs = np.ones(2)", "f: no output depends on"),
        ("mine.py:x -o o.svg", HEAD + "x = mg.tensor(1.0)", "nothing is tracked"),
        ("mine.py --paths nobody -o o.svg", HEAD + "g = mg.trace(mg.sin, 1.0)", "no value named 'nobody'"),
        ("mine.py --show nothing -o o.svg", HEAD + "g = mg.trace(mg.sin, 1.0)", '--show is values, gradients or both'),
        ("mine.py --backward -o o.svg", HEAD + "g = mg.trace(mg.sin, 1.0)\n", "g: the graph does not know the values"),
        ("--nosuch", SCRIPT, "the following arguments are required: FILE.py[:NAME]. See minigrad graph --help."),
        ("mine.py --engine none", SCRIPT, "argument --engine: invalid choice: 'none'"),
    ],
)  # fmt: skip
def test_one_clear_line(run, tmp_path, words, text, message):
    told = run(words, text, code=1 if "tracked" in message or "no output" in message else 2)
    assert told.startswith("minigrad graph: ")
    assert message in told
    assert told.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["mine.py"]


def test_a_missing_dot_says_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    told = run("mine.py:loss -o out.svg --engine dot", code=1)
    assert "apt install graphviz" in told
    assert 'engine="own"' in told
    assert (tmp_path / "out.dot").exists()


def test_what_the_script_prints_is_printed(run):
    assert run("mine.py:g -o o.txt", SCRIPT + "\nprint('hello')").startswith("hello\n")


def test_help_tells_the_conventions(capsys):
    assert main(["graph", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "example_inputs",
        "NAME_inputs",
        "if __name__ == '__main__' does not",
        "Exit codes",
        ".mmd",
    ):
        assert part in text


def test_it_runs_as_a_program_and_ctrl_c_is_one_line(tmp_path):
    (tmp_path / "slow.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, "-m", "minigrad", "graph", "slow.py"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": os.getcwd()}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "minigrad graph: interrupted.\n")


def test_json_is_json(run, tmp_path):
    run("mine.py:loss -o out.json")
    assert json.loads((tmp_path / "out.json").read_text())["format"] == "minigrad picture"


# Gradients, and what is said where something is wrong --------------------------------------------

CALLED = f"""{HEAD}
x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
y = (x * x).sum()
"""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("mine.py:layer --backward", SCRIPT), ("mine.py:model --backward", SCRIPT),
        ("mine.py:loss --backward", SCRIPT), ("mine.py:rec", SCRIPT), ("mine.py:y --backward", CALLED),
        ("mine.py:y", CALLED + "y.backward()\n"), ("mine.py:y --backward", CALLED + "y.backward()\n"),
    ],
)  # fmt: skip
def test_gradients_are_shown_as_numbers(run, tmp_path, words, text):
    run(f"{words} --show gradients -o a.svg", text)
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "gradient not run" not in drawn
    assert re.search(r">gradient (all )?−?[0-9]", drawn)
    if text is not SCRIPT:
        assert ">gradient 2 … 4<" in drawn


@pytest.mark.parametrize(("name", "text"), [("layer", SCRIPT), ("loss", SCRIPT), ("y", CALLED)])
def test_where_no_gradient_is_known_it_says_what_to_do(run, tmp_path, name, text):
    said = run(f"mine.py:{name} --show gradients -o a.svg", text, 2)
    assert said.count("\n") == 1
    assert "Add --backward" in said
    assert not (tmp_path / "a.svg").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--wrt b", "add --paths"), ("--show foo", "--show is values, gradients or both, not 'foo'"),
        ("--fold zz", "--fold=['zz'], but no box"), ("-o folder.svg", "cannot write to folder.svg: "),
        ("-o /proc/a.svg", "cannot write to /proc/a.svg: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_the_words_of_the_command(run, tmp_path, words, said):
    (tmp_path / "folder.svg").mkdir()
    found = run(f"mine.py:layer {'' if '-o' in words else '-o a.svg'} {words}", code=2)
    assert said in found
    assert found.count("\n") == 1
    assert "render:" not in found
    assert ".tmp" not in found


def test_empty_names_are_called_empty(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SCRIPT, encoding="utf-8")
    assert main(["graph", ""]) == 2
    assert "FILE.py[:NAME] is empty" in capsys.readouterr().err
    assert main(["graph", "mine.py:layer", "-o", ""]) == 2
    assert "--out is empty" in capsys.readouterr().err


def test_a_forward_has_its_inputs_as_for_the_checks(run, tmp_path):
    text = HEAD + "def sq_forward(x): return mg.sin(x)\nsq_inputs = (np.ones(3),)\n"
    run("mine.py:sq_forward -o a.json", text)
    assert from_json((tmp_path / "a.json").read_text(encoding="utf-8")).nodes[0].shape == (3,)
    run("mine.py -o b.json", text)
    run(
        "mine.py:forward -o c.json",
        text.replace("sq_forward", "forward").replace("sq_inputs", "inputs"),
    )


def test_the_example_tells_how_it_is_called(tmp_path):
    script = str(ROOT / "examples" / "draw_graph.py")
    for words, code, said in ((["--help"], 0, "usage: "), (["a.xyz"], 2, "ends in '.xyz'")):
        done = subprocess.run([sys.executable, script, *words], cwd=tmp_path, capture_output=True)
        told = (done.stdout + done.stderr).decode()
        assert done.returncode == code
        assert said in told
        assert "Traceback" not in told
        assert not list(tmp_path.iterdir())
