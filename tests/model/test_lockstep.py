# SPDX-License-Identifier: Apache-2.0
"""A sample of random paths with ES256 and the ledger in SQL beside the model; `make model` lives
through a thousand. One that differs is told, with the command that lives through it again."""

from __future__ import annotations

import pytest

from model.paths import SUITED, lived, names

PATHS = len(SUITED)


@pytest.mark.parametrize("name", list(names(PATHS, 1)))
def test_real_signatures_and_books_say_what_the_model_says(name: str) -> None:
    done = lived(name)
    print(f"PYTHONPATH=tests:tests/both:firmware .venv/bin/python -m model path {name}")
    if done.violation is not None:
        pytest.fail("\n".join(done.story()), pytrace=False)
