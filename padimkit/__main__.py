"""`python -m padimkit`: the command line where the script `padimkit` is not on the path."""

import sys

from padimkit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
