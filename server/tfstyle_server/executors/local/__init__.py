"""Workers that are processes of this machine, one for each device, and what all workers have in common."""
