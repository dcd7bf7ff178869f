"""The feature networks: VGG19, the small network that ships, and the choice between them.

Importing this package imports neither Keras nor TensorFlow: `topology` is read by thin clients.
"""
