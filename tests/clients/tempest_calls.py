"""Runs tests of Tempest and prints how each went, one JSON object per line.

Runs in the virtual environment of requirements-tempest.txt and knows nothing of ours. Standard input says, as JSON,
which modules and which tests of them; Tempest's configuration is where TEMPEST_CONFIG_DIR says.
"""

import json
import pkgutil
import sys
import unittest
from collections.abc import Iterator


def modules(package: str) -> list[str]:
    """Return the modules of tests in a package."""
    found = __import__(package, fromlist=["__path__"])
    return [each.name for each in pkgutil.walk_packages(found.__path__, f"{package}.") if ".test_" in each.name]


def tests(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Return every test of a suite."""
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from tests(each)
        else:
            yield each


class Telling(unittest.TestResult):
    """Says how a test went as soon as it is known."""

    def _tell(self, test: unittest.TestCase, went: str, why: str = "") -> None:
        print(json.dumps({"test": test.id().partition("[")[0], "went": went, "why": why}), flush=True)  # noqa: T201

    def addSuccess(self, test, details=None):  # noqa: N802 - the library's name
        """Tell that it passed."""
        self._tell(test, "passed")

    def addSkip(self, test, reason=None, details=None):  # noqa: N802 - the library's name
        """Tell that it was skipped."""
        self._tell(test, "skipped", str(reason))

    def addError(self, test, err):  # noqa: N802 - the library's name
        """Tell that it failed."""
        self._tell(test, "failed", self._exc_info_to_string(err, test)[-1500:])

    addFailure = addError  # noqa: N815 - the library's name


def main() -> None:
    """Run what is asked for."""
    asked = json.load(sys.stdin)
    names = [name for package in asked["packages"] for name in modules(package)]
    found = tests(unittest.defaultTestLoader.loadTestsFromNames(names))
    chosen = [
        test
        for test in found
        if any(word in test.id() for word in asked["only"] or [""])
        and not any(word in test.id() for word in asked["without"])
    ]
    unittest.TestSuite(chosen).run(Telling())


if __name__ == "__main__":
    main()
