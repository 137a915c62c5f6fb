"""From a corpus to Parquet shards: rows.py is the engine, runner.py stands around it."""

from hmer_tasks.build.faults import BuildError, Stopped, UsageError
from hmer_tasks.build.load import load
from hmer_tasks.build.plan import BuildOptions
from hmer_tasks.build.runner import Built, build
from hmer_tasks.build.verify import Report, read_summary, verify

__all__ = [
    "BuildError",
    "BuildOptions",
    "Built",
    "Report",
    "Stopped",
    "UsageError",
    "build",
    "load",
    "read_summary",
    "verify",
]
