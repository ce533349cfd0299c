"""The documentation says what the program does: a table that falls behind, or a command that is not there, fails."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import click
import pyarrow.parquet as pq
import pytest

from detectors.alert import Alert, Item
from detectors.coverage import Coverage
from detectors.facts import fact_schemas
from rules import knowledge, page
from rules.rulebook import load
from rules.schema import ledger_columns
from streams import run
from streams.cli import cli
from streams.cli.options import read_params
from streams.evidence import SCHEMA
from streams.live import place
from streams.live.sources import http
from streams.operation import declared, endpoint, exits, process
from streams.operation import page as operation_page
from streams.operation.events import FIELDS, Event
from streams.operation.reading import CONFIG_VARIABLE
from streams.replay import Order, replay
from streams.unmasking import UNMASKED
from streams.wire.kinds import REGISTRIES, TRANSACTIONS, TRIALS
from streams.wire.reject import LONGEST_MESSAGE, LONGEST_RAW, REASONS, Reject
from streams.wire.required import ENVELOPE, MESSAGE, REGISTRY_ENVELOPE, REQUIRED, REQUIRED_LISTS
from tests.streams.small_world import RULES, joined, lines

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
READMES = ("README.md", "README.zh-CN.md")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "rules").rglob("*.md")])


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def section(page_name: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above. Code blocks are no headings."""
    found: list[str] = []
    level = 0
    fenced = False
    for line in text_of(DOCS / page_name).splitlines():
        fenced ^= line.startswith("```")
        marks = 0 if fenced else len(line) - len(line.lstrip("#"))
        if level and marks and marks <= level:
            break
        if marks and line.strip("# ") == heading:
            level = marks
        if level:
            found.append(line)
    assert found, f"docs/{page_name} has no heading '{heading}'"
    return "\n".join(found)


def tables(text: str) -> Iterator[list[list[str]]]:
    """The tables of a text, each a list of rows of cells, without their heads."""
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", line.strip()[1:-1]) for line in block.strip().splitlines()]
        yield [[cell.strip().replace("\\|", "|") for cell in row] for row in rows[2:]]


def rows_of(text: str) -> list[list[str]]:
    return [row for table in tables(text) for row in table]


def codes(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", text)


def names(text: str) -> list[str]:
    """The names in backticks in the first cells of the tables of a text."""
    return [code for row in rows_of(text) for code in codes(row[0])]


# Commands


def leaves(group: click.Group, above: str = "fundwatch") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by what one types."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, f"{above} {name}")
        else:
            yield f"{above} {name}", command


COMMANDS = dict(leaves(cli))


def typed(param: click.Parameter, command: click.Command) -> str:
    """What stands for a parameter in the table: `--option`, `ARGUMENT`, `ARGUMENT...`."""
    if isinstance(param, click.Option):
        return param.opts[0]
    return param.make_metavar(click.Context(command)).replace("[", "").replace("]", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_with_every_argument_option_and_default(name: str) -> None:
    text = section("commands.md", name)
    command = COMMANDS[name]
    documented = {codes(row[0])[0]: row[1] for row in rows_of(text)}
    expected = {}
    for param in command.params:
        default = str(param.default) if isinstance(param, click.Option) and param.show_default else None
        expected[typed(param, command)] = "required" if param.required else default
    assert set(documented) == set(expected)
    for shown, default in expected.items():
        assert default in (None, documented[shown]), f"{shown}: {default}"
    example = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert example, "an example"
    assert example[1].startswith(name), example[1]


def test_no_command_is_documented_that_is_not_there() -> None:
    documented = re.findall(r"^## (fundwatch .*)$", text_of(DOCS / "commands.md"), re.MULTILINE)
    assert set(documented) == set(COMMANDS)


def commands_shown() -> Iterator[tuple[str, str]]:
    """Page and command line of every `fundwatch …` in a block of code."""
    for path in PAGES:
        for block in re.findall(r"```\w*\n(.*?)```", text_of(path), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith(("fundwatch ", "$ fundwatch ")):
                    yield name_of(path), re.split(r"\s+[#|>]", line.removeprefix("$ "))[0]


@pytest.mark.parametrize(("where", "line"), sorted(set(commands_shown())))
def test_a_command_line_shown_can_be_typed(where: str, line: str) -> None:
    words = shlex.split(line)
    command: click.Command = cli
    while isinstance(command, click.Group):
        words = words[1:]
        found = command.get_command(click.Context(command), words[0] if words else "")
        assert found is not None, f"{where}: {line}"
        command = found
    try:
        command.make_context(line, words[1:])
    except click.UsageError as error:
        # The files of an example need not be there.
        if "does not exist" not in error.message:
            pytest.fail(f"{where}: {line}: {error.format_message()}")


def test_options_named_in_prose_exist() -> None:
    known = {option for command in COMMANDS.values() for param in command.params for option in param.opts}
    known |= {"--help", "--version"}
    for path in PAGES:
        for code in codes(re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL)):
            if re.match(r"(fundwatch|--)\b", code) or code.startswith("--"):
                assert set(re.findall(r"(?<!\S)--[a-z-]+", code)) <= known, f"{name_of(path)}: {code}"


def test_parameters_shown_are_parameters_of_rules() -> None:
    rulebook = load()
    for path in PAGES:
        for given in re.findall(r"--param ([A-Z]{2}-\d\d\.\w+=\w+)", text_of(path)):
            read_params((given,), rulebook, rulebook)


# Rules, ledger


def test_the_page_of_rules_is_what_the_rulebook_says() -> None:
    written = page.page(load(), knowledge.load().law)
    assert text_of(page.PAGE) == written, "docs/rules.md is old: run `python -m rules.page`"


def test_every_family_of_rules_has_a_heading() -> None:
    assert {rule.family for rule in load().rules} <= set(page.FAMILIES)


def test_every_table_of_the_ledger_is_listed_in_its_order() -> None:
    assert names(section("ledger.md", "The ledger")) == list(ledger_columns())


# Events in


def required(cell: str) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """A cell such as "`a` `b`; each `node`: `c`; at least one `list`: `d`" as `required.py` has it."""
    fields_: dict[str, tuple[str, ...]] = {}
    for part in filter(None, cell.split("; ")):
        node, _, rest = part.rpartition(": ")
        fields_[codes(node)[0] if node else MESSAGE] = tuple(codes(rest))
    return fields_, tuple(re.findall(r"at least one `([^`]+)`", cell))


def test_the_transactions_read_are_listed_with_what_they_fill_and_require() -> None:
    text = section("input.md", "Transactions read")
    rows = {row[0]: row for row in rows_of(text)}
    assert list(rows) == list(TRANSACTIONS)
    for name, kind in TRANSACTIONS.items():
        assert codes(rows[name][2]) == list(dict.fromkeys(table.name for table in kind.tables)), name
        assert required(rows[name][3]) == (REQUIRED[name], REQUIRED_LISTS.get(name, ())), name
    assert " ".join(f"`{field}`" for field in ENVELOPE) in text


def test_the_registries_read_are_listed_with_what_they_require() -> None:
    text = section("input.md", "Registries read")
    rows = {row[0]: row for row in rows_of(text)}
    assert list(rows) == list(REGISTRIES)
    for name in REGISTRIES:
        assert required(rows[name][3]) == (REQUIRED[name], ()), name
    assert " ".join(f"`{field}`" for field in REGISTRY_ENVELOPE) in text


def test_what_is_no_fact_is_listed_by_reason() -> None:
    text = section("input.md", "What is not a fact")
    assert names(text) == ["failed", "trial", "no facts"]
    assert all(infno in text for infno in TRIALS)


def test_what_is_rejected_is_listed_by_reason_code() -> None:
    text = section("input.md", "What is rejected")
    assert names(text) == list(REASONS)
    assert f"{LONGEST_MESSAGE >> 20} MiB" in text
    assert f"{LONGEST_RAW >> 10} KiB" in text


@pytest.mark.parametrize("line", re.findall(r"```json\n(.*?)```", text_of(DOCS / "input.md"), re.DOTALL))
def test_the_events_shown_are_read(line: str) -> None:
    from streams.wire import decode

    event = json.dumps(json.loads(line)).encode()
    decoded = decode([event], source="doc", first_line=1, first_seq=0, key=b"documentation key")
    assert not decoded.rejects
    assert decoded.counts.facts.total() == 1


# Alerts out


@pytest.mark.parametrize(
    ("heading", "number", "expected"),
    [
        ("alerts.jsonl", 0, Alert.__struct_fields__),
        ("alerts.jsonl", 1, Item.__struct_fields__),
        ("coverage.jsonl", 0, Coverage.__struct_fields__),
        ("rejects.jsonl", 0, tuple(field.name for field in fields(Reject))),
        ("evidence.parquet", 0, tuple(SCHEMA.names)),
    ],
)
def test_the_fields_of_a_file_are_listed_in_their_order(
    heading: str, number: int, expected: tuple[str, ...]
) -> None:
    table = list(tables(section("alerts.md", heading)))[number]
    assert [code for row in table for code in codes(row[0])] == list(expected)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over a small log."""
    place = tmp_path_factory.mktemp("documented")
    log = place / "log.jsonl"
    log.write_bytes(joined(lines()))
    order = Order(inputs=[str(log)], out=place / "run", key=b"documentation key", processes=1, threads=1)
    replay(order, load().select(RULES), knowledge.load())
    return place / "run"


def test_the_files_of_a_run_are_those_documented(folder: Path) -> None:
    headings = set(re.findall(r"^## (\S+\.\w+)$", text_of(DOCS / "alerts.md"), re.MULTILINE))
    assert {path.name for path in folder.iterdir()} == headings - {UNMASKED}
    for readme in READMES:
        for path in folder.iterdir():
            assert f"`{path.name}`" in text_of(ROOT / readme), readme


def test_the_fields_of_run_json_are_those_documented(folder: Path) -> None:
    documented = names(section("alerts.md", "run.json"))
    met: dict[str, None] = {}

    def walk(value: Any, path: str) -> None:
        if path in documented:
            met[path] = None
        elif isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{path}.{name}" if path else name)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, f"{path}[]")
        else:
            pytest.fail(f"docs/alerts.md says nothing of {path} in run.json")

    walk(json.loads((folder / run.RUN).read_text(encoding="utf-8")), "")
    assert list(met) == documented


def test_what_the_files_of_a_run_hold_is_what_is_documented(folder: Path) -> None:
    kept = pq.read_table(folder / run.EVIDENCE)
    assert kept.num_rows
    assert names(section("alerts.md", "evidence.parquet")) == kept.column_names
    first = (folder / run.CANCELLATIONS).read_text(encoding="utf-8").splitlines()[0]
    assert names(section("alerts.md", "cancellations.jsonl")) == list(json.loads(first))
    for line in (folder / run.ALERTS).read_text(encoding="utf-8").splitlines():
        assert list(json.loads(line)) == list(Alert.__struct_fields__)


# Personal data, settings


def test_what_is_said_to_be_dropped_or_hashed_is_not_among_the_facts() -> None:
    columns = {name for schema in fact_schemas().values() for name in schema.names}
    for row in rows_of(section("personal-data.md", "At decode")):
        for name in codes(row[0]):
            fate = row[1]
            if fate.startswith(("kept", "cut")):
                assert name in columns, name
            else:
                assert name not in columns, name
                assert set(codes(fate)) <= columns, name


def test_every_environment_variable_is_documented() -> None:
    used: set[str] = set()
    for path in (
        path for package in ("rules", "detectors", "streams") for path in (ROOT / package).rglob("*.py")
    ):
        text = text_of(path)
        used |= set(re.findall(r"\bFUNDWATCH_[A-Z_]+\b", text))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"):
                allowed = (
                    "streams/secrets.py",
                    "streams/operation/reading.py",
                    "streams/operation/process.py",
                )
                assert name_of(path) in allowed, f"{name_of(path)}:{node.lineno} reads the environment"
    assert all(f"`{name}`" in text_of(DOCS / "operation.md") for name in process.SETTINGS)
    of_settings = {setting.variable for setting in declared.settings()} | {CONFIG_VARIABLE}
    of_key = set(names(section("personal-data.md", "The key")))
    assert used <= of_settings | of_key
    assert of_key <= used
    for variable in of_settings:
        assert f"`{variable}`" in text_of(DOCS / "settings.md"), variable


# Operation


def test_the_pages_of_settings_and_metrics_are_what_the_code_says() -> None:
    behind = "is old: run `python -m streams.operation.page`"
    assert text_of(operation_page.SETTINGS) == operation_page.settings_page(), f"docs/settings.md {behind}"
    assert text_of(operation_page.METRICS_PAGE) == operation_page.metrics_page(), f"docs/metrics.md {behind}"


def test_the_settings_shown_are_settings(tmp_path: Path) -> None:
    from streams.operation.reading import read

    shown = re.findall(r"```yaml\n(.*?)```", text_of(DOCS / "settings.md"), re.DOTALL)
    assert shown
    for number, text in enumerate(shown):
        for name in re.findall(r"(?:ssl_ca|password_file): (\S+)", text):
            (tmp_path / name).write_text("…", encoding="utf-8")
        file = tmp_path / f"{number}.yaml"
        file.write_text(text, encoding="utf-8")
        read(file, {})


def test_exit_codes_are_listed_with_what_a_supervisor_does() -> None:
    rows = rows_of(section("operation.md", "How it ends"))
    assert rows == [[str(code.value), *exits.MEANINGS[code]] for code in exits.Exit]
    head = text_of(DOCS / "commands.md").split("\n## ")[0]
    assert all(re.search(rf"\b{code.value}\b", head) for code in exits.Exit if code != exits.Exit.UNHEALTHY)


def test_paths_of_health_are_listed_with_what_they_answer() -> None:
    rows = rows_of(section("operation.md", "Health"))
    assert [(codes(path)[0], answer) for path, answer in rows] == list(endpoint.PATHS.items())


def test_answers_to_posted_events_are_listed() -> None:
    rows = rows_of(section("up.md", "POST /events"))
    assert [(int(status), meaning) for status, meaning in rows] == list(http.ANSWERS.items())


def test_what_stands_in_a_data_folder_is_listed() -> None:
    inside, lost = tables(section("up.md", "The data folder"))
    parts = [place.JOURNAL, place.STATE, place.LAKE, place.STORE, place.REJECTS, place.TOKEN]
    assert [codes(row[0])[0] for row in inside] == parts
    assert {codes(row[0])[0] for row in lost} == set(parts) - {place.REJECTS, place.TOKEN}


def test_what_a_log_may_say_is_listed() -> None:
    events, fields_ = (codes(row[1]) for row in rows_of(section("operation.md", "Logs")))
    assert events == [event.value for event in Event]
    assert fields_ == list(FIELDS)


# The pages themselves


def anchors(path: Path) -> set[str]:
    """What a link into a page may name."""
    text = text_of(path)
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)"', text))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_within_the_project_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        goal = (path.parent / file).resolve() if file else path
        assert goal.exists(), f"{name_of(path)} links to {target}"
        if anchor:
            assert anchor in anchors(goal), f"{name_of(path)} links to {target}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text_of(path)):
            if not re.match(r"[a-z]+:", target) and (path.parent / target).is_file():
                waiting.append((path.parent / target).resolve())
    assert set(PAGES) <= seen


def test_the_readmes_have_the_same_sections_commands_and_pages() -> None:
    english, chinese = (text_of(ROOT / name) for name in READMES)
    assert english.count("\n## ") == chinese.count("\n## ")
    assert max(len(text.splitlines()) for text in (english, chinese)) <= 90
    shown = [[line for where, line in commands_shown() if where == readme] for readme in READMES]
    assert shown[0] == shown[1]
    linked = re.compile(r"\]\(((?:docs|CHANGELOG)[^)]*)\)")
    assert linked.findall(english) == linked.findall(chinese)


def test_the_changelog_begins_with_what_is_installed() -> None:
    project = text_of(ROOT / "pyproject.toml")
    version = re.search(r'^version = "(.*)"$', project, re.MULTILINE)
    released = re.findall(r"^## \[(\d.*?)\] – \d{4}-\d\d-\d\d$", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert version is not None
    assert released[0] == version[1]


#: What only the place where the project was made knows of: paths, briefs, helpers, package indexes.
FOREIGN = re.compile(
    r"""
    (?<![\w.~-])/work(?![\w-]) | (?<![\w.])/tmp/(?!\W) | (?<![\w=])shared/(?=\w) | "shared"\s*/ | /\s*"shared"
    | \bdomain/\d | \b(?:meanings|first-rules|engineering-notes|event-log)(?:\.md)?\b
    | \bissues?\s\#\d | \((?:issue\s)?\#\d{3,}\)
    | \b(?:this|last|previous|earlier|next|another|my|our)\ssession\b | \bsessions\b
    | pypi\.org | pythonhosted\.org | registry\.npmjs | maven\.org | maven\.apache | [Mm]aven\sCentral
    | \b(?:index-url|extra-index-url|proxy\.golang)\b | \b(?:Claude|Anthropic|ChatGPT|Copilot|language\smodel)\b
    """,
    re.VERBOSE,
)


def test_no_file_speaks_of_where_the_project_was_made() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if path == Path(__file__) or not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if match := FOREIGN.search(line):
                found.append(f"{name}:{number}: {match[0]}")
    assert not found, "\n".join(found)
