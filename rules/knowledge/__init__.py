"""Knowledge: code lists, limits and dated policy that rules join with, and the law they cite.

Data, not code: a CSV and its declaration make one table, `knowledge.<name>` (see README.md beside this file).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from rules.knowledge.table import Declaration, read_table
from rules.yamltext import SourceError, read

FOLDER = Path(__file__).parent

LAW = "law.yaml"


@dataclass(frozen=True)
class Knowledge:
    """What rules join with. `tables`: name → rows; `law`: key → text; `batch`: hash of all of it."""

    tables: Mapping[str, pa.Table]
    law: Mapping[str, str]
    batch: str
    declarations: Mapping[str, Declaration]


def load(*folders: Path) -> Knowledge:
    """Read the knowledge that comes with fundwatch, then that of further folders.

    A table of a further folder replaces the built-in one of its name; its `law.yaml` adds and replaces keys.
    Raises `SourceError`, with file and line, for whatever is not as declared.
    """
    tables: dict[str, pa.Table] = {}
    declarations: dict[str, Declaration] = {}
    law: dict[str, str] = {}
    content: dict[str, str] = {}
    for folder in (FOLDER, *folders):
        if not folder.is_dir():
            raise SourceError(folder, 1, "no such folder of knowledge")
        for path in sorted(folder.glob("*.csv")):
            declaration, table = read_table(path)
            declarations[path.stem], tables[path.stem] = declaration, table
            content[path.stem] = _hash(path) + _hash(path.with_suffix(".yaml"))
        law |= read_law(folder / LAW)
    digest = hashlib.sha256(repr((sorted(content.items()), sorted(law.items()))).encode()).hexdigest()
    tables_, law_, declared = MappingProxyType(tables), MappingProxyType(law), MappingProxyType(declarations)
    return Knowledge(tables_, law_, digest[:16], declared)


def read_law(path: Path) -> dict[str, str]:
    """Law key → the text an alert shows. No file, no law. Raises `SourceError`."""
    if not path.exists():
        return {}
    document = read(path)
    if not isinstance(document.data, dict):
        raise document.error("must map keys to {text, source}")
    law: dict[str, str] = {}
    for key, entry in document.data.items():
        if not isinstance(entry, dict) or set(entry) != {"text", "source"}:
            raise document.error(f"'{key}' must be {{text, source}}", str(key))
        law[str(key)] = str(entry["text"]).strip()
    return law


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
