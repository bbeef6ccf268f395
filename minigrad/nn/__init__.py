"""Layers, losses and models, by PyTorch's names, signatures and meaning.

>>> import minigrad as mg, minigrad.nn as nn
>>> model = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
>>> images, labels = mg.data.digits("train", flatten=True)
>>> loss = nn.CrossEntropyLoss()(model(images[:100]), labels[:100])
>>> loss.backward()
>>> model[0].weight.grad.shape
(32, 64)
"""

from . import functional, init, utils
from .activation import LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from .containers import ModuleDict, ModuleList, Sequential
from .layers import Dropout, Flatten, Identity, Linear
from .loss import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, MSELoss, NLLLoss
from .module import IncompatibleKeys, Module, RemovableHandle, StateDictError
from .normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, LayerNorm
from .parameter import Parameter

__all__ = [
    "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "CrossEntropyLoss", "Dropout",
    "Flatten", "HuberLoss", "Identity", "IncompatibleKeys", "LayerNorm", "LeakyReLU", "Linear",
    "LogSoftmax", "MSELoss", "Module", "ModuleDict", "ModuleList", "NLLLoss", "Parameter", "ReLU",
    "RemovableHandle", "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus", "StateDictError", "Tanh",
    "functional", "init", "utils",
]  # fmt: skip
