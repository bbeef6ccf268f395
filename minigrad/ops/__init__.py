"""The primitives by family.  Importing this fills the registry."""

from . import (
    contract,
    convolution,
    creation,
    cumulative,
    einsum,
    elementwise,
    index,
    joining,
    linalg,
    order,
    pooling,
    protocol,
    rearrange,
    reduce,
    shape,
    special,
    window,
    write,
)
