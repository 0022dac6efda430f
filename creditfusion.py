"""``python -m creditfusion``: the command, whatever folders the working directory holds."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the working directory, where another's ``features/`` or ``fusion/`` may lie
    from experiments.cli import main

    main()
