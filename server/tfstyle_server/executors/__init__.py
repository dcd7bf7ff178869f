"""Executors run jobs for the server: `pool` is the one, with workers in processes (`local`) or a cluster (`ray`)."""
