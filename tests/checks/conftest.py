import pytest


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    """Keep the progress of each test in a file of its own."""
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path / "progress.json"))
