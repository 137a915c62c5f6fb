"""The version of the package, which the fingerprint of a build names."""

__version__ = "0.1.0"
