"""The local executor: one worker process on this machine for each device."""
