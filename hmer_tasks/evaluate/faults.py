"""What can go wrong with scoring besides its files."""


class MissingLibraryError(Exception):
    """An extra that is not installed: one line that says what to install."""
