"""The command ``minigrad``: outside of the package, so that Ctrl-C is one line during its import."""

import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        from minigrad.cli import main as run
    except KeyboardInterrupt:
        print("minigrad: interrupted.", file=sys.stderr)
        return 130
    return run()
