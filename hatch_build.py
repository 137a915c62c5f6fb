"""Wheels with modules compiled by mypyc; without being asked for them a wheel is pure Python.

    HATCH_BUILD_HOOKS_ENABLE=1 pip wheel --no-deps .       # wants a C compiler, takes minutes

A hook of our own and not hatch-mypyc, which has had no release since 2023, moves pyproject.toml away while
it runs, and leaves its libraries beside the sources, where an editable install would load them in their
stead. This one writes nothing outside a temporary folder. HMER_PURE=1 makes a pure wheel whatever else is
asked for.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Types are checked by `make lint`, with all libraries at hand. Here those of libraries are unknown.
_MYPY = ("--config-file=", "--follow-imports=skip", "--ignore-missing-imports")


class CompiledModules(BuildHookInterface[Any]):
    """Compiles the modules that pyproject.toml names, and puts their libraries beside their sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or os.environ.get("HMER_PURE") == "1":
            return
        self.folder = TemporaryDirectory()
        modules, typed = self.config["modules"], self.config["typed"]
        libraries = _compiled(Path(self.root), modules, typed, Path(self.folder.name))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"].update(libraries)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


def _compiled(root: Path, modules: list[str], typed: list[str], folder: Path) -> dict[str, str]:
    """Each library that was built, and its place in the wheel. All modules are one library, so that they call
    each other as C does; the rest are stubs that Python finds under the modules' names."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    before = Path.cwd()
    os.chdir(root)  # mypyc names modules by their paths
    try:
        extensions = mypycify(
            [*_MYPY, *modules, *typed],
            only_compile_paths=modules,
            opt_level=os.environ.get("MYPYC_OPT_LEVEL", "3"),
            debug_level="0",
            target_dir=str(folder / "c"),
            group_name="hmer_tasks",
        )
        command = Distribution({"name": "hmer_tasks", "ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "temp")
        command.ensure_finalized()
        command.run()
    finally:
        os.chdir(before)
    out = folder / "lib"
    return {str(path): str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
