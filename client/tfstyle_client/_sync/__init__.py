# Generated from _async/__init__.py by client/unasync.py; edit that file instead.
"""The blocking client."""
