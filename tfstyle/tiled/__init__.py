"""The objective of a picture that does not fit into memory as a whole: the same loss and gradient, tile by tile."""
