"""Promise 7 over a real Kafka: a world, workers that are killed while they judge it, and the comparison with a replay.

`python -m tests.live.soak` is the long form (`make soak`), `tests/live/test_promise_7.py` the short one.
"""
