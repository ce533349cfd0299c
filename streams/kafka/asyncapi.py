"""The AsyncAPI document of the topics that others write to or read: made from the code, `python -m streams.kafka.asyncapi`."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import yaml

from detectors.alert import Alert
from streams.changes import HEADERS, Told
from streams.kafka.topics import ALERTS, CHANGES, EVENTS, Topic
from streams.wire.kinds import REGISTRIES, TRANSACTIONS
from streams.wire.required import ENVELOPE, REGISTRY_ENVELOPE

PAGE = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"

_NAMES = {EVENTS: "events", ALERTS: "alerts", CHANGES: "changes"}


def document() -> dict[str, Any]:
    """The document, version 3.0.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "fundwatch",
            "version": version("fundwatch"),
            "description": "Settlement messages in, findings and their changes out. An installation may put a prefix before the "
            "names of its topics. Readers pass over fields they do not know; what an older fundwatch wrote stays readable.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": _channel(EVENTS, {"transaction", "registry"}),
            "alerts": _channel(ALERTS, {"alert"}),
            "changes": _channel(CHANGES, {"change"}),
        },
        "operations": {
            "readEvents": _operation("receive", EVENTS, "Every finished transaction, and the registries."),
            "sayAlerts": _operation("send", ALERTS, "Whoever reads it from the start knows what holds."),
            "sayChanges": _operation("send", CHANGES, "Every change of every alert, with its evidence."),
        },
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def text() -> str:
    """The document as it stands in `docs/asyncapi.yaml`."""
    head = "# Made from the code: python -m streams.kafka.asyncapi\n"
    return head + yaml.dump(
        document(), Dumper=_WithoutAnchors, sort_keys=False, allow_unicode=True, width=120
    )


class _WithoutAnchors(yaml.SafeDumper):
    """Says again what it said before, for people."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _channel(topic: Topic, messages: set[str]) -> dict[str, Any]:
    policy = "compact" if topic.compacted else "delete"
    return {
        "address": topic.name,
        "description": topic.purpose,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in sorted(messages)},
        "bindings": {
            "kafka": {"topicConfiguration": {"cleanup.policy": [policy]}, "bindingVersion": "0.5.0"}
        },
    }


def _operation(action: str, topic: Topic, summary: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{_NAMES[topic]}"}, "summary": summary}


def _messages() -> dict[str, Any]:
    said = {
        "headers": {"$ref": "#/components/schemas/Headers"},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": "`jr_id`"}, "bindingVersion": "0.5.0"}
        },
    }
    return {
        "transaction": {
            "summary": "A finished transaction of the platform interface.",
            "payload": {"$ref": "#/components/schemas/Transaction"},
        },
        "registry": {
            "summary": "A row of a registry that another system owns.",
            "payload": {"$ref": "#/components/schemas/Registry"},
        },
        "alert": {
            "summary": "The last change of an alert, without its evidence.",
            "payload": {"$ref": "#/components/schemas/Change"},
            **said,
        },
        "change": {
            "summary": "One change of an alert, with the facts that it rests on.",
            "payload": {"$ref": "#/components/schemas/Change"},
            **said,
        },
    }


def _schemas() -> dict[str, Any]:
    _, made = msgspec.json.schema_components((Alert, Told), ref_template="#/components/schemas/{name}")
    text_ = {"type": "string"}
    return {
        "Transaction": {
            "type": "object",
            "description": "Request and response as the platform saw them; what each must have is in input.md.",
            "properties": {
                "infno": {**text_, "description": f"read are {', '.join(TRANSACTIONS)}; others are counted"},
                **dict.fromkeys(ENVELOPE, text_),
                "input": {"type": "object"},
                "response": {"type": "object", "properties": {"infcode": {"type": ["integer", "string"]}}},
            },
            "required": ["infno", *ENVELOPE, "input", "response"],
        },
        "Registry": {
            "type": "object",
            "properties": {
                "registry": {"enum": list(REGISTRIES)},
                **dict.fromkeys(REGISTRY_ENVELOPE, text_),
                "data": {"type": "object"},
            },
            "required": ["registry", *REGISTRY_ENVELOPE, "data"],
        },
        "Change": {
            "description": "The alert's fields and the change's in one object; `status` is `open` or `retracted`.",
            "allOf": [{"$ref": "#/components/schemas/Alert"}, {"$ref": "#/components/schemas/Told"}],
        },
        "Headers": {
            "type": "object",
            "properties": {name: {**text_, "description": says} for name, says in HEADERS.items()},
            "required": list(HEADERS),
        },
        **{name: _tidy(made[name]) for name in sorted(made)},
    }


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Without titles that repeat the name, and docstrings on one line."""
    kept = {name: value for name, value in schema.items() if name != "title"}
    if "description" in kept:
        kept["description"] = " ".join(kept["description"].split())
    return kept


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
