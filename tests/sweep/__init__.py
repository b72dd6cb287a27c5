# SPDX-License-Identifier: Apache-2.0
"""Every cut of every tap and of every visit at the cable, each in a process of its own.

A story (`stories`) is played once; wherever it could be cut (`cuts`) the process forks, and the
child lives with that cut: restart, touch once more, deposit in every order, reconcile
(`aftermath`), while `judge` asks after each step whether value was created or lost. What all came
to is a table (`matrix`). `python -m sweep` is the command; `mutants` shows that it can fail.
"""
