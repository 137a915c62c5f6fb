"""From a corpus to Parquet shards: expand.py is the engine, runner.py stands around it."""

from hmer_tasks.pipeline.plan import BuildOptions
from hmer_tasks.pipeline.runner import BuildResult, build

__all__ = ["BuildOptions", "BuildResult", "build"]
