"""Whether this is compiled by mypyc. HMER_PURE=1 takes the sources, which lie beside what is compiled."""

import sys
from collections.abc import Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from types import ModuleType


class _Sources:
    """Finds modules of this package as Python files, before Python looks for libraries of the same name."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None or not name.startswith(f"{__package__}."):
            return None
        for folder in path:
            spec = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name)
            if spec is not None and spec.loader is not None:
                return spec
        return None


def prefer_sources() -> None:
    """Import nothing compiled from here on. It has to be called before the first import from the package."""
    sys.meta_path.insert(0, _Sources())


def is_compiled() -> bool:
    """Whether this process runs the compiled modules."""
    spec = find_spec("hmer_tasks.latex.nodes")
    return spec is not None and not str(spec.origin).endswith(tuple(SOURCE_SUFFIXES))
