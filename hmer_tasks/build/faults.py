"""What can go wrong with a build, as one line for the user."""


class BuildError(Exception):
    """A build that cannot go on: one line that says what, where and what to do."""


class UsageError(Exception):
    """Arguments that cannot be: one line; exit code 2."""


class Stopped(Exception):  # noqa: N818 - not an error: the user asked for it
    """The user stopped the build (SIGINT, SIGTERM)."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal
