"""The examples of docs/signing-in.md, each a program of its own, as whoever copies them runs them."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

from browser import use_browser
from server import URL
from tunnel import Tunnel

use_browser()

DOCUMENT = Path(__file__).parents[3] / "docs" / "signing-in.md"

# What each prints at last, in their order.
EXPECTED = [
    "200",
    "administrator@contoso.example True",
    "administrator@contoso.example",
    "reader@contoso.example",
    "0 devices",
]


def examples():
    _, *rest = DOCUMENT.read_text().split("```python\n")
    return [part.split("```")[0] for part in rest]


class Examples(unittest.TestCase):
    def test_each_does_what_it_says(self):
        self.assertEqual(len(examples()), len(EXPECTED))
        with Tunnel() as proxy:
            for number, (example, expected) in enumerate(zip(examples(), EXPECTED)):
                with self.subTest(number):
                    self.assertEqual(self.printed(example, proxy), expected)

    def printed(self, example, proxy):
        """The last line that it prints."""
        environment = {
            **os.environ,
            "HANGAR_URL": URL,
            "PYTHONWARNINGS": "ignore",
        }
        if "username_password" in example:
            # It says that it needs the usual port.
            del environment["NO_PROXY"], environment["no_proxy"]
            environment.update(HANGAR_URL="https://127.0.0.1", HTTPS_PROXY=proxy)
        run = subprocess.run(
            [sys.executable, "-c", example],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    unittest.main()
