"""The choice of the images, clicked through its traits."""

import pytest
from PIL import Image

from labkit.data import choice, chosen
from labkit.explorers.data_choice import DataChoice


@pytest.fixture(autouse=True)
def fresh_user(monkeypatch, tmp_path):
    monkeypatch.delenv("LABKIT_DATA", raising=False)
    monkeypatch.setenv("LABKIT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def pets(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "my pets" / name).mkdir(parents=True)
        Image.new("RGB", (40, 30)).save(tmp_path / "my pets" / name / "1.png")
    return tmp_path / "my pets"


def use(widget, source, folder=""):
    widget.source.value = source
    widget.folder.value = str(folder)
    widget.button.click()
    return widget.screen.sentence


def test_it_opens_at_what_is_in_use_and_says_so():
    choice.choose("drawn")
    widget = DataChoice()
    assert widget.source.value == "drawn"
    assert widget.screen.sentence.startswith("All notebooks use the drawn images.")


def test_a_new_user_starts_at_automatic():
    assert DataChoice().source.value == "auto"


def test_looking_saves_nothing(tmp_path):
    widget = DataChoice()
    widget.source.value = "drawn"
    assert not choice.file().exists()
    assert chosen().source == "auto"


@pytest.mark.parametrize("source", ["auto", "cifar10", "drawn"])
def test_the_button_saves_the_choice_for_all_notebooks(source):
    said = use(DataChoice(), source)
    assert said.startswith("All notebooks use ")
    assert chosen().source == source
    assert DataChoice().source.value == source


def test_a_folder_is_saved_and_its_path_shown_again(pets):
    said = use(DataChoice(), "folder", f"  {pets} ")
    assert str(pets) in said
    assert chosen().source == pets
    use(DataChoice(), "drawn")
    use(DataChoice(), "folder", f'"{pets}"')  # as Windows copies a path
    again = DataChoice()
    assert (again.source.value, again.folder.value) == ("folder", str(pets))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "Type the path"),
        ("/no/such/place", "There is no folder"),
        ("~nobody-of-this-name/cats", "There is no folder"),
    ],
)
def test_a_folder_that_cannot_be_used_is_said_in_words_and_changes_nothing(path, words):
    widget = DataChoice()
    use(widget, "drawn")
    said = use(widget, "folder", path)
    assert said.startswith("Nothing was changed.")
    assert words in said
    assert chosen().source == "drawn"


def test_a_folder_without_classes_is_refused_in_words(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "two classes" in use(DataChoice(), "folder", tmp_path / "empty")
    assert chosen().source == "auto"


def test_the_line_for_the_path_is_open_only_for_a_folder():
    widget = DataChoice()
    assert widget.folder.disabled
    widget.source.value = "folder"
    assert not widget.folder.disabled


def test_where_the_environment_names_the_source_it_is_said_that_this_overrides_it(monkeypatch):
    monkeypatch.setenv("LABKIT_DATA", "cifar10")
    said = use(DataChoice(), "drawn")
    assert "All notebooks use CIFAR-10." in said
    assert "LABKIT_DATA" in said and "overrides what you choose here" in said


def test_a_broken_environment_variable_is_shown_and_not_raised(monkeypatch):
    monkeypatch.setenv("LABKIT_DATA", "cifar11")
    assert "cifar11" in DataChoice().screen.sentence


def test_a_place_that_cannot_be_written_is_said_in_words(monkeypatch, tmp_path):
    (tmp_path / "config").write_text("a file where the folder should be")
    said = use(DataChoice(), "drawn")
    assert "The choice cannot be saved" in said
    assert "LABKIT_DATA" in said


def test_a_reader_without_a_kernel_reads_what_is_in_use():
    data = DataChoice()._repr_mimebundle_()
    assert data["text/plain"].startswith("All notebooks use CIFAR-10 if it can be downloaded")
