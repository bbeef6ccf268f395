"""A glossary's Keras example, line by line, by mg.fit.

Every line of the original stands as a comment above the line that does the same here.  Its
softmax stays: the loss of this name takes probabilities, in Keras and here.
"""

import numpy as np

import minigrad as mg
from minigrad import nn


def enlarged(part):
    """The 8x8 digits at 28x28, the size that the glossary's model expects: threefold, and a border."""
    images, labels = mg.data.digits(part)
    images = np.pad(np.kron(images, np.ones((1, 3, 3), images.dtype)), ((0, 0), (2, 2), (2, 2)))
    return images.reshape(len(images), 784), labels


mg.manual_seed(0)
x_train, y_train = enlarged("train")
x_test, y_test = enlarged("test")

# import tensorflow as tf
# model = tf.keras.Sequential([
model = nn.Sequential(
    # tf.keras.layers.Dense(64, input_shape=(784,)),
    nn.Linear(784, 64),
    # tf.keras.layers.BatchNormalization(),
    nn.BatchNorm1d(64, eps=1e-3, momentum=0.01),  # Keras' defaults; its momentum is the share kept
    # tf.keras.layers.Activation('relu'),
    nn.ReLU(),
    # tf.keras.layers.Dense(10),
    nn.Linear(64, 10),
    # tf.keras.layers.Activation('softmax')
    nn.Softmax(dim=1),
    # ])
)
history = mg.fit(
    # model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
    model, optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"],
    # model.fit(x_train, y_train, epochs=5, batch_size=32)
    x=x_train, y=y_train, epochs=5, batch_size=32,
    # Not in the original: digits that the model has not seen.
    validation_data=(x_test, y_test),
)  # fmt: skip

print(f"accuracy on digits that it has not seen: {history['val_accuracy'][-1]:.1%}")
