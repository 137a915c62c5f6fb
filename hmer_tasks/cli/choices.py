"""What flags with a few values can be."""

from enum import StrEnum


class As(StrEnum):
    """What `parse` prints."""

    TREE = "tree"
    TEXT = "text"
    COUNTS = "counts"
    JSON = "json"
    DOT = "dot"
    PNG = "png"


class DrawAs(StrEnum):
    """What `draw --labels` writes."""

    PNG = "png"
    JPG = "jpg"
    INKML = "inkml"


class Look(StrEnum):
    """How synthetic handwriting looks."""

    INK = "ink"
    PHOTO = "photo"


class Engine(StrEnum):
    """What starts the ranks of a build."""

    LOCAL = "local"
    SLURM = "slurm"
    RAY = "ray"
