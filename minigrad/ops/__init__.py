"""The primitives by family.  Importing this fills the registry."""

from . import (
    contract,
    creation,
    cumulative,
    einsum,
    elementwise,
    index,
    joining,
    linalg,
    order,
    rearrange,
    reduce,
    shape,
    special,
    write,
)
