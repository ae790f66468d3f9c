"""Traffic as a value: sets of ports, blocks of addresses, rules in one form, and what ordered rules do to a packet.

Knows no cloud's API, no file and no matrix.
"""
