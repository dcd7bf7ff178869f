"""Executors run jobs for the server. `executor` has the interface, `local` the one with worker processes."""
