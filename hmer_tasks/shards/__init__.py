"""What a build is on disk: records, schema, manifest (build.json), writer, reader, verification, card."""

from hmer_tasks.shards.loader import load
from hmer_tasks.shards.verifier import Report, read_summary, verify

__all__ = ["Report", "load", "read_summary", "verify"]
