from importlib.metadata import version

import closedwon


def test_the_package_knows_the_version_it_was_installed_as() -> None:
    assert closedwon.__version__ == version("closedwon")
