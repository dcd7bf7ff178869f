"""The asyncio client, from which `client/unasync.py` generates the blocking one."""
