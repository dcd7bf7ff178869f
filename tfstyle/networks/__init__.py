"""The networks that look at pictures: VGG19, the small one that ships, and the choice between them.

Importing this package imports neither Keras nor TensorFlow: `topology` is read by thin clients.
"""
