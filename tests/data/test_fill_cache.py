import os
import stat

import pytest

from labkit.data import fill_cache, load, sources


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no such modes")
def test_everybody_may_read_what_is_filled_and_nobody_but_its_owner_write(
    few, tmp_path, monkeypatch
):
    monkeypatch.setenv("LABKIT_CACHE", "")
    old = os.umask(0o077)
    try:
        assert fill_cache.main(str(tmp_path / "images"), str(few)) == 0
    finally:
        os.umask(old)
    for path in ((tmp_path / "images"), *(tmp_path / "images").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644)


def test_a_source_that_cannot_be_had_is_named_and_the_others_are_there(
    few, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("LABKIT_CACHE", "")
    assert fill_cache.main(str(tmp_path / "images"), str(tmp_path / "no"), str(few)) == 1
    assert str(tmp_path / "no") in capsys.readouterr().err
    assert len(list((tmp_path / "images").glob("*/meta.json"))) == 1


def test_who_was_told_drawn_stays_with_drawn_when_others_fill_the_cache(monkeypatch):
    monkeypatch.setenv("LABKIT_DATA", "auto")
    monkeypatch.setattr(sources, "_failed", set())
    monkeypatch.setattr(sources.cifar10, "find", lambda: None)
    monkeypatch.setattr(sources, "_try_hosts", lambda: ["host: silent"])
    assert load().train.source == "drawn"
    monkeypatch.setattr(sources.cifar10, "find", lambda: "of somebody else")
    assert load().train.source == "drawn"
