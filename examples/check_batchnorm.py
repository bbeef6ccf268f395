"""An assignment: write the backward of batch norm by hand, and check it.

Run it, or let the command find the pairs in it: minigrad check examples/check_batchnorm.py
The first backward is a student's first attempt; the check says what is wrong with it.
"""

import numpy as np

import minigrad as mg


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=0)
    variance = ((x - mean) ** 2).mean(axis=0)
    inverse_std = 1 / np.sqrt(variance + eps)
    x_hat = (x - mean) * inverse_std
    return gamma * x_hat + beta, (x_hat, gamma, inverse_std)


def first_attempt(dy, cache):
    """The statistics are taken for constants: x is only shifted and scaled."""
    x_hat, gamma, inverse_std = cache
    return dy * gamma * inverse_std, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def batchnorm_backward(dy, cache):
    """Every x moves the mean and the variance too, and so all outputs of its feature."""
    x_hat, gamma, inverse_std = cache
    g = dy * gamma
    through_mean = g.mean(axis=0)
    through_variance = x_hat * (g * x_hat).mean(axis=0)
    dx = inverse_std * (g - through_mean - through_variance)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def batchnorm_inputs():
    rng = np.random.default_rng(0)
    return rng.normal(5.0, 2.0, (8, 3)), rng.uniform(0.5, 1.5, 3), rng.normal(size=3)


@mg.checked("x=normal(5,2,8,3), gamma=uniform(.5,1.5,3), beta=randn(3)", order=2)
def batchnorm_by_minigrad(x, gamma, beta):
    return mg.batchnorm.composed(x, gamma, beta)


if __name__ == "__main__":
    inputs = batchnorm_inputs()
    print("The first attempt:")
    print(mg.check_pair(batchnorm_forward, first_attempt, inputs).text(worst=3))

    print("\nThe second:")
    report = mg.check_pair(batchnorm_forward, batchnorm_backward, inputs)
    print(report)
    report.raise_if_failed()

    print("\nBoth modes and the second derivative of the version built from primitives:")
    print(mg.gradcheck(batchnorm_by_minigrad, inputs, order=2))

    print("\nA bad objective: the sum of the outputs does not depend on x, so nothing is proved:")
    _, gamma, beta = inputs
    total = mg.gradcheck(lambda x: mg.batchnorm.fused(x, gamma, beta).sum(), inputs[0])
    print(total.verdict, "-", total.issues[0].message.split(".")[0])
