"""The primitives by family.  Importing this fills the registry."""

from . import contract, elementwise, index, reduce, shape

__all__ = ["contract", "elementwise", "index", "reduce", "shape"]
