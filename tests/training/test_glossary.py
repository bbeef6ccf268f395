"""The glossary's two examples stand in ours, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

PYTORCH = """
class Model(nn.Module):
def __init__(self):
super(Model, self).__init__()
self.fc1 = nn.Linear(784, 64)
self.bn = nn.BatchNorm1d(64)
self.relu = nn.ReLU()
self.fc2 = nn.Linear(64, 10)
self.softmax = nn.Softmax(dim=1)
def forward(self, x):
x = self.fc1(x)
x = self.bn(x)
x = self.relu(x)
x = self.fc2(x)
x = self.softmax(x)
return x
"""
KERAS = """
import tensorflow as tf
model = tf.keras.Sequential([
tf.keras.layers.Dense(64, input_shape=(784,)),
tf.keras.layers.BatchNormalization(),
tf.keras.layers.Activation('relu'),
tf.keras.layers.Dense(10),
tf.keras.layers.Activation('softmax')
])
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
model.fit(x_train, y_train, epochs=5, batch_size=32)
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_the_class_is_the_texts() -> None:
    """It changes in nothing; what follows it differs only in where the names come from."""
    program = lines((EXAMPLES / "glossary_pytorch.py").read_text(encoding="utf-8"))
    start = program.index("class Model(nn.Module):")
    assert program[start : start + len(lines(PYTORCH))] == lines(PYTORCH)
    assert {"import minigrad as torch", "import minigrad.nn as nn"} <= set(program[:start])
    for line in (
        "criterion = nn.CrossEntropyLoss()",
        "optimizer = torch.optim.Adam(model.parameters(), lr=0.001)",
    ):
        assert line in program[start:]


def test_every_keras_line_stands_above_its_like() -> None:
    program = lines((EXAMPLES / "glossary_keras.py").read_text(encoding="utf-8"))
    comments = [line.removeprefix("# ") for line in program if line.startswith("# ")]
    assert [line for line in comments if line in lines(KERAS)] == lines(KERAS)
    for line, ours in (
        ("tf.keras.layers.Dense(64, input_shape=(784,)),", "nn.Linear(784, 64),"),
        ("tf.keras.layers.BatchNormalization(),", "nn.BatchNorm1d(64, eps=1e-3, momentum=0.01),"),
        ("tf.keras.layers.Activation('relu'),", "nn.ReLU(),"),
        ("tf.keras.layers.Dense(10),", "nn.Linear(64, 10),"),
        ("tf.keras.layers.Activation('softmax')", "nn.Softmax(dim=1),"),
    ):
        assert program[program.index(f"# {line}") + 1].startswith(ours)


@pytest.mark.parametrize("name", ["glossary_pytorch", "glossary_keras"])
def test_they_need_nothing_but_minigrad(name: str) -> None:
    program = lines((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))
    imports = {
        line.split()[1].partition(".")[0] for line in program if line.startswith(("import ", "from "))
    }
    assert imports == {"minigrad", "numpy"}
