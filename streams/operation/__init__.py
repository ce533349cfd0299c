"""What the live services have in common when they run: settings, metrics, health, logs, a full disk.

Nothing here knows of Kafka or of the kernel; the services tell it what happens.
"""
