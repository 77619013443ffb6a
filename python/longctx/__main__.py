"""`python -m longctx` is the command `longctx`."""

from longctx.cli import entry

if __name__ == "__main__":
    entry()
