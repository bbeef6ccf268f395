"""The command ``minigrad``: Ctrl-C is one line also while the package is imported.

For that it is installed as a module of its own, outside of the package (see pyproject.toml).
"""

import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        from minigrad.cli import main as run
    except KeyboardInterrupt:
        print("minigrad: interrupted.", file=sys.stderr)
        return 130
    return run()
