"""`python -m tfstyle_server` is the server's command line."""

from tfstyle_server.cli import main

if __name__ == "__main__":
    main()
