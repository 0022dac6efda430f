"""The small model whose applications the tests of the watch share."""

from __future__ import annotations

import pytest

from tests.support.watched import Watcher


@pytest.fixture(scope="session")
def watcher(tmp_path_factory: pytest.TempPathFactory) -> Watcher:
    return Watcher.train(tmp_path_factory.mktemp("watched"))
