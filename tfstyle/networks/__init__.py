"""The feature networks: VGG19, vgg19-lite, and the choice between them.

Importing this package imports neither Keras nor TensorFlow: `topology` is read by thin clients.
"""
