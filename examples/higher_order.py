"""Derivatives of derivatives: every backward pass is itself a graph."""

import math

import numpy as np

import minigrad as mg

# The fifth derivative of exp(x) sin(x) is -4 exp(x) (sin(x) + cos(x)).
fifth = lambda x: mg.exp(x) * mg.sin(x)  # noqa: E731
for _ in range(5):
    fifth = mg.grad(fifth)
exact = -4 * math.exp(1.0) * (math.sin(1.0) + math.cos(1.0))
print(f"fifth derivative at 1: {fifth(1.0).item():.12f}")
print(f"by the formula:        {exact:.12f}")


def rosenbrock(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


# Newton's method with exact second derivatives.
x = np.array([-1.2, 1.0])
for step in range(1, 8):
    gradient, hessian = mg.grad(rosenbrock)(x).numpy(), mg.hessian(rosenbrock)(x).numpy()
    x = x - np.linalg.solve(hessian, gradient)
    print(f"Newton step {step}: x = {x}, f(x) = {rosenbrock(x):.2e}")

# Hessian times vector, without the Hessian: a tangent pushed through the gradient.
v = np.array([1.0, 2.0])
whole = mg.hessian(rosenbrock)(x).numpy() @ v
print(f"Hessian @ v:  {whole}")
print(f"mg.hvp:       {mg.hvp(rosenbrock, (x,), (v,)).numpy()}")

# Batch norm's second derivative: composed and fused agree here, too.
rng = np.random.default_rng(0)
data, weights = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
by = {
    name: mg.hessian(lambda x, f=function: (weights * f(x)).sum())(data).numpy()
    for name, function in (("composed", mg.batchnorm.composed), ("fused", mg.batchnorm.fused))
}
print(f"batch norm's Hessian: shape {by['fused'].shape}, largest entry {np.abs(by['fused']).max():.3f}")
print(f"composed - fused: at most {np.abs(by['composed'] - by['fused']).max():.1e}")
