"""The objective of a picture that does not fit into memory: the same loss and gradient, computed in tiles."""
