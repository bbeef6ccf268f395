"""Embedding: a row of a table for every number."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor, as_tensor, describe
from . import functional, init
from .layers import check_size
from .module import Module
from .parameter import Parameter


class Embedding(Module):
    """A row of a learned table for every number.

    Parameters
    ----------
    num_embeddings : int
        Rows of the table.
    embedding_dim : int
        Columns of the table.
    padding_idx : int, optional
        A row that is not trained, at first zeros; counted from the end if negative.
    max_norm, norm_type, scale_grad_by_freq
        Not there: the first changes the weights in the forward pass, the last changes what a
        gradient is.
    sparse : bool
        Accepted for PyTorch's sake; gradients are whole arrays.
    _weight : array_like, shape (num_embeddings, embedding_dim), optional
        The first values; see also :meth:`from_pretrained`.
    _freeze : bool
        Whether the table is not trained at all.
    dtype : dtype
        Of the table; float32, as in PyTorch.
    generator : numpy.random.Generator, optional
        For the first values; by default the one of :func:`minigrad.manual_seed`.

    Attributes
    ----------
    weight : Parameter, shape (num_embeddings, embedding_dim)
        At first standard normal.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.Embedding(10, 3, padding_idx=0)
    >>> layer(mg.tensor([[1, 2, 0]])).shape
    (1, 3, 3)
    >>> layer
    Embedding(10, 3, padding_idx=0)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        dtype: Any = np.float32,
        *,
        generator: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        if max_norm is not None or scale_grad_by_freq:
            raise ArgumentError(
                "Embedding: max_norm and scale_grad_by_freq are not there. Clip the rows after a step, "
                "or scale the gradients before it."
            )
        self.num_embeddings = check_size("Embedding", "num_embeddings", num_embeddings)
        self.embedding_dim = check_size("Embedding", "embedding_dim", embedding_dim)
        if padding_idx is not None:
            padding_idx = functional.padding_row("Embedding", padding_idx, num_embeddings)
        self.padding_idx = padding_idx
        shape = (num_embeddings, embedding_dim)
        if _weight is None:
            self.weight = Parameter(np.zeros(shape, dtype), requires_grad=not _freeze)
            self.reset_parameters(generator)
        else:
            table = as_tensor(_weight)
            if table.shape != shape:
                raise ShapeError(
                    f"Embedding: _weight is {describe(table)}, but num_embeddings and embedding_dim "
                    f"say {list(shape)}."
                )
            self.weight = Parameter(table, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(
        cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None
    ) -> Self:
        """A layer with a given table.

        Parameters
        ----------
        embeddings : array_like, shape (num_embeddings, embedding_dim)
        freeze : bool
            Whether the table is not trained.
        padding_idx : int, optional
            A row that is not trained; it keeps its values.

        Returns
        -------
        Embedding

        Examples
        --------
        >>> import minigrad as mg
        >>> mg.nn.Embedding.from_pretrained([[1.0, 2.0], [3.0, 4.0]])(1)
        tensor([3., 4.])
        """
        table = as_tensor(embeddings)
        if table.ndim != 2:
            raise ShapeError(
                f"Embedding.from_pretrained: embeddings is {describe(table)}; it takes a table "
                "(num_embeddings, embedding_dim)."
            )
        rows, columns = table.shape
        return cls(rows, columns, padding_idx, _weight=table, _freeze=freeze)

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw the first values again."""
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            table = self.weight.numpy().copy()
            table[self.padding_idx] = 0.0
            self.weight.data = table

    def forward(self, x: Any) -> Tensor:
        """The rows of the numbers in x."""
        return functional.embedding(x, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """The sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
