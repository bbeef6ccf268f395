"""Every example runs as a script, quietly, and prints what it promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

# What must be in the output, as regular expressions.
PROMISES = {
    "hello_gradient": [
        r"the same from mg\.grad: True",
        r"dloss/db  0\.06064217[^$]*by moving b a little: 0\.06064217",
        r"np\.histogram does not record tensors",
    ],
    "batchnorm_two_ways": [
        r"dx +composed - fused: at most \d\.\de-1[5-9]",
        r"dx +composed - by hand: at most \d\.\de-1[5-9]",
        r"PASS +composed[^$]*PASS +fused",
        r"statistics held constant +\[-?\d*\.?\d",
    ],
    "check_batchnorm": [
        r"FAIL +batchnorm_forward[^$]*both paths, through the mean and through the variance, are missing",
        r"PASS +batchnorm_forward: \d+ comparisons",
        r"PASS +batchnorm_by_minigrad: \d+ comparisons, order 2",
        r"VACUOUS - the numerical derivative is zero",
    ],
    "train_digits": [r"BatchNorm1d\(64", r"epoch 5: training loss 0\.\d+, test accuracy 9\d\.\d%"],
    "glossary_pytorch": [
        r"Model +: training loss 1\.[5-9]\d+, test accuracy 9\d\.\d%",
        r"Corrected: training loss 0\.\d+, test accuracy 9\d\.\d%",
        r"stays above 1\.4612",
    ],
    "glossary_keras": [
        r"epoch 1/5: loss \d\.\d+, accuracy 0\.\d+, val_loss \d\.\d+, val_accuracy 0\.\d+ \(\d",
        r"epoch 5/5: loss 0\.[01]\d+, accuracy (0\.9|1\.0)",
        r"that it has not seen: 9\d\.\d%",
    ],
    "higher_order": [
        r"fifth derivative at 1: -15\.0241969083",
        r"by the formula: +-15\.0241969083",
        r"Newton step 7: x = \[1\. 1\.\], f\(x\) = \d\.\d\de[-+]",
        r"composed - fused: at most \d\.\de-1[4-9]",
    ],
    "draw_graph": [
        r"matmul\(x: f64\[4,3\], w: f64\[3,2\]\)",
        r"backward:",
        r"replayed on zeros: 0\.0",
        r"The picture is in loss\.",
    ],
}


def test_every_example_promises_something():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == PROMISES.keys()


@pytest.mark.parametrize("name", PROMISES)
def test_example(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for promise in PROMISES[name]:
        assert re.search(promise, done.stdout), f"{promise!r} is not in:\n{done.stdout}"
    assert (EXAMPLES / f"{name}.py").read_text().startswith('"""')
