"""The way in: `hmer-tasks` and `python -m hmer_tasks`.

The command line is imported inside, so that a Ctrl-C during the first half second, while Python
reads its libraries, is reported in one line too.
"""

import sys


def main() -> None:
    """Run the command `hmer-tasks`."""
    try:
        from hmer_tasks.cli.app import main as run
    except KeyboardInterrupt:
        sys.stderr.write("hmer-tasks: stopped\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
