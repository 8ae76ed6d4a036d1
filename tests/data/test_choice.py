"""Which source is wanted, in which order, and why."""

from pathlib import Path

import pytest

from labkit.data import DataError, choice, choose, chosen


@pytest.fixture(autouse=True)
def config(monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("LABKIT_DATA", raising=False)
    return tmp_path / "config"


def test_nothing_chosen_means_auto():
    assert chosen().source == "auto"


def test_argument_goes_before_environment_before_saved_choice(monkeypatch):
    choose("drawn")
    assert chosen().source == "drawn" and "00_setup" in chosen().why
    monkeypatch.setenv("LABKIT_DATA", "cifar10")
    assert chosen().source == "cifar10" and "LABKIT_DATA" in chosen().why
    assert chosen("auto").source == "auto"


def test_choosing_tells_when_the_environment_goes_first(monkeypatch):
    monkeypatch.setenv("LABKIT_DATA", "cifar10")
    assert choose("drawn").source == "cifar10"


def test_a_folder_is_remembered_wherever_the_next_notebook_runs(monkeypatch, tmp_path):
    (tmp_path / "my images").mkdir()
    monkeypatch.chdir(tmp_path)
    choose("my images")
    monkeypatch.chdir("/")
    assert chosen().source == tmp_path / "my images"


@pytest.mark.parametrize("name", ["cifar100", "", " ", "Drawn", "x" * 300, 5])
def test_an_unknown_name_is_refused_with_the_names_there_are(monkeypatch, name):
    for ask in (chosen, choose):
        with pytest.raises(DataError, match=f"{name!r}.*auto.*cifar10.*drawn.*folder"):
            ask(name)
    assert not choice.file().exists()
    monkeypatch.setenv("LABKIT_DATA", str(name or "Drawn images"))
    with pytest.raises(DataError, match="There is no source"):
        chosen()


def test_what_a_copied_path_brings_along_is_no_part_of_it(monkeypatch, tmp_path):
    (tmp_path / "my images").mkdir()
    for copied in ('"{}"', "'{}'", ' "{}" ', " {} ", "{}\n", "{}\r\n"):
        monkeypatch.setenv("LABKIT_DATA", copied.format(tmp_path / "my images"))
        assert chosen().source == tmp_path / "my images"
    assert chosen(" drawn").source == "drawn"


def test_a_home_that_nobody_has_is_a_folder_that_is_not_there():
    assert chosen("~nobody-of-this-name/cats").source == Path("~nobody-of-this-name/cats")


def test_a_choice_that_cannot_be_read_is_as_none(config):
    config.mkdir()
    (config / "source.txt").write_bytes(b"\xff\xfe")
    assert chosen().source == "auto"


def test_the_choice_is_written_whole(config):
    choose("drawn")
    choose("cifar10")
    assert [path.name for path in config.iterdir()] == ["source.txt"]


def test_a_choice_that_cannot_be_saved_is_a_sentence_with_what_to_do(config):
    config.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cannot be saved .*LABKIT_DATA.*LABKIT_CONFIG"):
        choose("drawn")
