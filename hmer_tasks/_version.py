"""The version of the package, which the fingerprint of a build names."""

__version__ = "0.2.0"
