"""A Faust worker that would begin at a position of its own. Prints what it is given: partition, offset.

usage: python -m tests.live.faust_seeker BOOTSTRAP TOPIC GROUP OFFSET HOW    (HOW: signal, or perform_seek)
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import faust

from streams.kafka.settings import Connection


async def main(bootstrap: str, topic: str, group: str, offset: int, how: str) -> None:
    """Run until killed."""
    app = faust.App(
        group, **Connection.of({"bootstrap": bootstrap}).faust(), web_enabled=False, topic_disable_leader=True,
        value_serializer="raw", broker_session_timeout=10, broker_heartbeat_interval=2,
    )  # fmt: skip

    async def seek(assigned: Any) -> None:
        await app.consumer.seek_wait({tp: offset for tp in assigned if tp.topic == topic})

    @app.agent(app.topic(topic, value_type=bytes, value_serializer="raw"))
    async def shown(stream: Any) -> None:
        async for event in stream.events():
            print(event.message.partition, event.message.offset, flush=True)

    if how == "signal":

        @app.on_partitions_assigned.connect
        async def assigned(_app: Any, assigned: Any, **_: Any) -> None:
            await seek(assigned)
            print("sought", flush=True)

    else:
        committed = app.consumer.perform_seek

        async def perform_seek() -> None:
            await committed()
            await seek(app.consumer.assignment())
            print("sought", flush=True)

        app.consumer.perform_seek = perform_seek  # type: ignore[method-assign]

    await app.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]))
