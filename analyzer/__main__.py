"""``python -m analyzer`` is ``sipcause``."""

from analyzer.ui.cli.main import main

if __name__ == "__main__":
    main()
