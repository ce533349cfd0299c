"""Live: the facts of persons as they come, judged batch by batch, and what is said of them. No broker in here.

A packet brings facts to a shard; the shard keeps them (history), judges the persons it touches, and notes the changes
(outbox) that a driver sends on.
"""
