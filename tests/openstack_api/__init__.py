"""A real OpenStack Networking API on this machine, and an applier that puts synthesized resources into it."""
