"""``python -m hub`` is the ``sanji`` command."""

from hub.cli.app import main

if __name__ == "__main__":
    main()
