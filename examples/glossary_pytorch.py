"""A glossary's PyTorch example, run here with two import lines changed, and its corrected twin.

The model below ends in a softmax, but CrossEntropyLoss applies one itself.  Squashed twice,
the loss of ten classes cannot fall below -ln(e / (e + 9)) = 1.4612, however well it learns.
"""

# ruff: noqa: RET504, UP008  (the class Model stands as it does in the glossary)

import numpy as np

import minigrad as torch
import minigrad.nn as nn


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


class Corrected(Model):
    """The same without the second softmax: the loss is given logits."""

    def __init__(self):
        super().__init__()
        self.softmax = nn.Identity()


def enlarged(part):
    """The 8x8 digits at 28x28, the size that the glossary's model expects: threefold, and a border."""
    images, labels = torch.data.digits(part)
    images = np.pad(np.kron(images, np.ones((1, 3, 3), images.dtype)), ((0, 0), (2, 2), (2, 2)))
    return images.reshape(len(images), 784), labels


def train(model, epochs=5):
    """Train on batches of 32; return the mean loss of the last epoch and the test accuracy."""
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    data = torch.data.TensorDataset(*enlarged("train"))
    loader = torch.data.DataLoader(
        data, batch_size=32, shuffle=True, drop_last=True, generator=np.random.default_rng(0)
    )
    for _ in range(epochs):
        losses = []
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    images, labels = enlarged("test")
    with torch.no_grad():
        right = model(images).numpy().argmax(axis=1) == labels
    return np.mean(losses), right.mean()


for kind in (Model, Corrected):
    torch.manual_seed(0)
    loss, accuracy = train(kind())
    print(f"{kind.__name__:9}: training loss {loss:.4f}, test accuracy {accuracy:.1%}")
print(f"With softmax twice, the loss stays above {-np.log(np.e / (np.e + 9)):.4f}.")
