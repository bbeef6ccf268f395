"""Train a small network with batch norm on real handwritten digits."""

import numpy as np

import minigrad as mg
from minigrad import nn

mg.manual_seed(0)
model = nn.Sequential(
    nn.Linear(64, 64),
    nn.BatchNorm1d(64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
print(model)

train = mg.data.TensorDataset(*mg.data.digits("train", flatten=True))
images, labels = mg.data.digits("test", flatten=True)
loader = mg.data.DataLoader(
    train, batch_size=64, shuffle=True, drop_last=True, generator=np.random.default_rng(0)
)
optimizer = mg.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()

for epoch in range(1, 6):
    model.train()
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    model.eval()  # running statistics instead of the batch's
    with mg.no_grad():
        right = model(images).numpy().argmax(axis=1) == labels
    print(f"epoch {epoch}: training loss {np.mean(losses):.4f}, test accuracy {right.mean():.1%}")
