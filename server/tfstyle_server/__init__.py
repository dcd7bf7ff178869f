"""The tfstyle server: an asyncio gRPC front that never computes, and worker processes that do.

The front imports neither TensorFlow nor Pillow; everything that touches pixels is in `worker`.
"""
