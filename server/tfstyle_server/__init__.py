"""The tfstyle server: an asyncio gRPC front, and worker processes that compute.

The front imports neither TensorFlow nor NumPy nor Pillow. Everything that touches pixels runs in workers.
"""
