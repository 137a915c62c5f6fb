"""What an extra that is not installed is told as."""


class MissingLibraryError(Exception):
    """An extra that is not installed: one line that says what to install."""
