"""Frozen dataclasses between processes: where mypyc compiled them Python's own way cannot unpickle them."""

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def reduce_dataclass(value: "DataclassInstance") -> tuple[type, tuple[object, ...]]:
    """What `__reduce__` of a dataclass returns: it is made again by its constructor.

    Args:
        value: A dataclass whose fields are all arguments of its constructor.

    Returns:
        The class, and the values of its fields.
    """
    return type(value), tuple(getattr(value, field.name) for field in fields(value))
