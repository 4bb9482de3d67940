"""`python -m accelerapp.cli` is `accelerapp`."""

from accelerapp.cli import main

if __name__ == "__main__":
    main()
