"""Hygiene of corpora: what stands in train and test at once, twice in one, or in two spellings."""

from hmer_tasks.audit.audit import Audit, AuditOptions, audit

__all__ = ["Audit", "AuditOptions", "audit"]
