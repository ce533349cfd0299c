"""A run folder is there whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import Refused
from streams.run import RUN, written_whole


def write(out: Path, text: str, *, replace: bool = False, error: type[BaseException] | None = None) -> None:
    with written_whole(out, replace=replace) as folder:
        assert folder.parent == out.parent, "beside it, so that the last step is a rename"
        (folder / RUN).write_text(text, encoding="utf-8")
        if error:
            raise error


def test_the_folder_appears_when_all_is_written(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    with written_whole(out) as folder:
        (folder / RUN).write_text("{}", encoding="utf-8")
        assert not out.exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "run", RUN]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_goes_wrong_leaves_nothing_or_what_was_there(error: type[BaseException], tmp_path: Path) -> None:
    out = tmp_path / "run"
    for _ in range(2):
        with pytest.raises(error):
            write(out, "half", replace=True, error=error)
        assert [path.name for path in tmp_path.rglob("*")] == (["run", RUN] if out.exists() else [])
        if not out.exists():
            write(out, "first")
    assert (out / RUN).read_text(encoding="utf-8") == "first"


def test_a_run_goes_for_another_where_that_is_wanted(tmp_path: Path) -> None:
    out = tmp_path / "run"
    write(out, "first")
    with pytest.raises(Refused, match="add --replace"):
        write(out, "second")
    write(out, "second", replace=True)
    assert (out / RUN).read_text(encoding="utf-8") == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("replace", [False, True])
def test_what_is_not_ours_never_goes(replace: bool, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.write_text("a file", encoding="utf-8")
    with pytest.raises(Refused, match="it holds other things"):
        write(out, "x", replace=replace)
    assert out.read_text(encoding="utf-8") == "a file"


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write(tmp_path / "run", "first")
    assert (tmp_path / "run" / RUN).exists()
