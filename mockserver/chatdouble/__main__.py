"""``python -m chatdouble`` is the ``chatdouble`` command."""

from chatdouble.cli import main

if __name__ == "__main__":
    main()
