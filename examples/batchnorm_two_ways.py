"""Batch norm's gradient: composed from primitives, derived by hand, and measured."""

import numpy as np

import minigrad as mg

rng = np.random.default_rng(0)
x = rng.normal(5.0, 2.0, (6, 2))  # a batch of 6 with 2 features
gamma, beta = np.array([1.5, 0.5]), np.array([0.0, 1.0])
dy = rng.normal(size=x.shape)  # what comes down from the layers above


def backward(batchnorm, **switches):
    def objective(x, gamma, beta):
        return (dy * batchnorm(x, gamma, beta, **switches)).sum()

    return [g.numpy() for g in mg.grad(objective, argnums=(0, 1, 2))(x, gamma, beta)]


composed, fused = backward(mg.batchnorm.composed), backward(mg.batchnorm.fused)
for name, ours, theirs in zip(("dx", "dgamma", "dbeta"), composed, fused):
    print(f"{name:<7} composed - fused: at most {np.abs(ours - theirs).max():.1e}")

# The formula of the fused rule, in plain NumPy.
std = np.sqrt(x.var(axis=0) + 1e-5)
x_hat = (x - x.mean(axis=0)) / std
by_hand = gamma / std * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
print(f"dx      composed - by hand: at most {np.abs(composed[0] - by_hand).max():.1e}")

# The verdict of a gradient check follows from measured errors; it says what it could have seen.
for batchnorm in (mg.batchnorm.composed, mg.batchnorm.fused):
    print(mg.gradcheck(batchnorm, {"x": x, "gamma": gamma, "beta": beta}, order=2))

# What goes wrong when the statistics are held constant in the derivative.
wrong = backward(mg.batchnorm.composed, through_statistics=False)[0]
print("sum of dx per feature, which says how far the gradient would move the mean:")
print(f"  statistics differentiated  {composed[0].sum(axis=0)}")
print(f"  statistics held constant   {wrong.sum(axis=0)}")
