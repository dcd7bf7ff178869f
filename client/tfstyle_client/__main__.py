"""`python -m tfstyle_client`: the command line."""

from tfstyle_client.cli import main

if __name__ == "__main__":
    main()
