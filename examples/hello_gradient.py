"""A first gradient: compute, walk back, and compare with the definition of a derivative."""

import numpy as np

import minigrad as mg


def loss(w, b):
    prediction = mg.tanh(inputs @ w + b)
    return ((prediction - targets) ** 2).mean()


inputs = np.array([[0.5, -1.0], [1.5, 2.0], [-0.5, 0.3]])
targets = np.array([0.0, 1.0, -0.5])

# As in PyTorch: leaves collect their gradients.
w = mg.tensor([0.1, -0.2], requires_grad=True, name="w")
b = mg.tensor(0.3, requires_grad=True, name="b")
value = loss(w, b)
value.backward()
print(f"loss      {value.item():.6f}")
print(f"dloss/dw  {w.grad.numpy()}")
print(f"dloss/db  {b.grad.item():.8f}")

# As in JAX: the gradient is a function.
dw, db = mg.grad(loss, argnums=(0, 1))(w.numpy(), b.numpy())
print(f"the same from mg.grad: {np.array_equal(dw.numpy(), w.grad.numpy())}")

# By the definition: move one input a little, and see how far the output moves.
h = 1e-6
up, down = (loss(w.numpy(), b.numpy() + step).item() for step in (h, -h))
print(f"by moving b a little: {(up - down) / (2 * h):.8f}")

# NumPy's functions record too, and say so when they cannot.
print(f"np.exp on a tensor: {np.exp(b)}")
try:
    np.histogram(w)
except mg.MinigradError as error:
    print(f"what is not recorded is refused: {error}")
