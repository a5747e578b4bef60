"""The wheel and the source distribution, built once."""

import distributions
import pytest


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> distributions.Built:
    if not distributions.WHEELS.is_dir():
        pytest.skip(f"needs the wheels that `make test` downloads into {distributions.WHEELS}")
    return distributions.build(tmp_path_factory.mktemp("built"))
