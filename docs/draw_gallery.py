"""Draw the gallery: its pictures, and the page gallery.md around them.

Run it from anywhere: ``python docs/draw_gallery.py``.  Each function below draws one picture, and
the page shows the function's own lines beside it.
"""

import contextlib
import html
import inspect
import re
import textwrap
from pathlib import Path

import numpy as np

import minigrad as mg

rng = np.random.default_rng(0)


def scalar_chain():
    """A scalar chain

    The smallest case, with numbers: the value of every step, and the gradient that arrived there.
    Data flows down; the gradient of `y` to itself is 1, and it is multiplied by a slope per step on
    its way up.
    """
    x = mg.tensor(0.5, requires_grad=True, name="x")
    with mg.record() as rec:
        y = mg.exp(mg.sin(x**2))
        y.backward()
    mg.render(rec, "scalar-chain.svg", title="y = exp(sin(x²))", show=["values", "gradients"])


def diamond():
    """A diamond

    `x` is used twice, so two gradients come back to it, and they add up. `a` and `b` are names that
    the program gave; a box with a name is yellow.
    """
    x = mg.tensor(2.0, requires_grad=True, name="x")
    with mg.record() as rec:
        a, b = mg.log(x), x**2
        a.name, b.name = "a", "b"
        (a * b).backward()
    mg.render(rec, "diamond.svg", title="y = log(x) · x²", show=["values", "gradients"])


def broadcasting():
    """Broadcasting

    A bias of shape `(3,)` is added to four rows. Stretching is an operation of its own, `broadcast`,
    and what belongs to it in the backward pass on the right is a `sum` over the axis that was
    stretched. Dashed lines hand values of the function over to its derivative.
    """

    def loss(x, bias):
        return mg.tanh(x + bias).sum()

    graph = mg.trace(mg.grad(loss, argnums=1), np.ones((4, 3)), np.zeros(3))
    mg.render(graph, "broadcasting.svg", title="a bias for four rows, and its gradient")


def batchnorm_composed():
    """Batch norm, composed

    Mean, difference, square, mean, root, quotient: every step of the formula is there, and in colour
    the ways that the gradient takes back to `x`. It comes straight down the middle, through the mean,
    and through the variance; the fourth way, through the variance and then the mean, carries nothing.
    """
    x, gamma, beta = rng.normal(size=(8, 3)), np.ones(3), np.zeros(3)
    graph = mg.trace(mg.batchnorm.composed, x, gamma, beta)
    title = "batch norm, and the ways of its gradient"
    mg.render(graph, "batchnorm-composed.svg", title=title, paths=["mean", "variance"])


def batchnorm_fused():
    """Batch norm, fused

    The same function as one operation whose derivative was worked out by hand. There is less to see,
    and the gradient is the same.
    """
    x, gamma, beta = rng.normal(size=(8, 3)), np.ones(3), np.zeros(3)
    graph = mg.trace(mg.batchnorm.fused, x, gamma, beta)
    mg.render(graph, "batchnorm-fused.svg", title="batch norm as one operation")


def batchnorm_backward():
    """Batch norm with its backward pass

    On the left the function, on the right its derivative, read upwards: each step stands beside the
    one that it belongs to. `dy` is what comes down from the layers above.
    """

    def step(x, dy):
        y, pullback = mg.vjp(mg.batchnorm.composed, x)
        (dx,) = pullback(dy)
        return {"y": y, "dx": dx}

    graph = mg.trace(step, rng.normal(size=(8, 3)), rng.normal(size=(8, 3)))
    mg.render(graph, "batchnorm-backward.svg", title="batch norm, forward and backward")


def mlp():
    """A network, folded

    Six equal blocks in a row become one box with "× 6"; each layer is a box, too. `fold` says how
    much is folded.
    """
    nn = mg.nn
    blocks = [nn.Sequential(nn.Linear(16, 16), nn.ReLU()) for _ in range(6)]
    model = nn.Sequential(nn.Linear(8, 16), *blocks, nn.Linear(16, 2))
    graph = mg.trace(model, np.ones((5, 8), np.float32))
    mg.render(graph, "mlp.svg", title="a network of eight layers, folded", fold=0)


def residual_block():
    """A residual block

    The gradient reaches `x` straight through the sum and through the branch. The branch may well send
    little; the straight way stays.
    """

    def block(x, w1, w2):
        branch = mg.maximum(x @ w1, 0.0) @ w2
        branch.name = "branch"
        return x + branch

    graph = mg.trace(block, np.ones((5, 4)), np.ones((4, 8)), np.ones((8, 4)))
    ways = {"straight": [], "through the branch": ["branch"]}
    mg.render(graph, "residual-block.svg", title="x + f(x), and the ways to x", paths=ways)


def attention():
    """Attention

    One head: how much each row of the values counts follows from queries and keys. `mg.scope` draws a
    box around what belongs together.
    """

    def attend(q, k, v):
        with mg.scope("scores"):
            scores = q @ k.T / np.sqrt(q.shape[-1])
        with mg.scope("softmax"):
            weights = mg.softmax(scores, axis=-1)
            weights.name = "weights"
        return weights @ v

    graph = mg.trace(attend, *[np.ones((4, 8)) for _ in range(3)])
    mg.render(graph, "attention.svg", title="attention of four tokens")


def training_step():
    """A training step

    Prediction, loss, gradient, and the new weights, all in one graph: a gradient is made of the same
    operations as everything else.
    """

    def train(w, x, y):
        loss, dw = mg.value_and_grad(lambda w: ((x @ w - y) ** 2).mean())(w)
        return {"loss": loss, "new w": w - 0.1 * dw}

    graph = mg.trace(train, np.zeros((3, 1)), np.ones((8, 3)), np.ones((8, 1)))
    mg.render(graph, "training-step.svg", title="one step of gradient descent")


def second_order():
    """A second derivative

    The derivative of a derivative has its own column. Sine turns into cosine on the way up, and the
    cosine's own derivative, minus sine, is the answer.
    """
    graph = mg.trace(mg.grad(mg.grad(mg.sin)), 0.5)
    mg.render(graph, "second-order.svg", title="the second derivative of the sine")


PICTURES = (
    scalar_chain, diamond, broadcasting, batchnorm_composed, batchnorm_fused, batchnorm_backward,
    mlp, residual_block, attention, training_step, second_order,
)  # fmt: skip

HEAD = """# Gallery

Pictures that `mg.render` draws, each with the lines that drew it. What shapes, colours and lines mean
is told in [How to read the graph](how-to-read-the-graph.md), and in the legend of every picture. They
need nothing but minigrad. A path that ends in `.html` gives a page to step through instead, `.png`,
`.pdf`, `.dot`, `.mmd` and `.json` other forms of the same picture.

This page and its pictures are made by [draw_gallery.py](draw_gallery.py).
"""


def main(folder):
    """Draw everything below a folder, which holds gallery/, and write gallery.md."""
    sections = [HEAD]
    for draw in PICTURES:
        global rng
        rng = np.random.default_rng(0)  # so that no picture depends on those before it
        with contextlib.chdir(folder / "gallery"):
            draw()
        title, _, text = inspect.getdoc(draw).partition("\n\n")
        code = inspect.getsource(draw).partition('"""')[2].partition('"""')[2]
        code = textwrap.dedent(code).strip()
        code = re.sub(
            r"(?<=\n)( +\S.*\n)\n(?=\S)", r"\1\n\n", code
        )  # as a file of its own would have it
        name = re.search(r'"([\w-]+\.svg)"', code)[1]
        svg = (folder / "gallery" / name).read_text(encoding="utf-8")
        described = html.unescape(re.search(r"<desc[^>]*>([^\n<]*)", svg)[1])
        sections.append(
            f"## {title}\n\n{' '.join(text.split())}\n\n![{described}](gallery/{name})\n\n"
            f"```python\n{code}\n```\n"
        )
    (folder / "gallery.md").write_text("\n".join(sections), encoding="utf-8")


if __name__ == "__main__":
    main(Path(__file__).parent)
