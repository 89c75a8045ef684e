"""`python -m pqlang` is the command `pql`."""

import sys

from pqlang.cli import main

if __name__ == "__main__":
    sys.exit(main())
