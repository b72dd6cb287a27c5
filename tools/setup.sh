#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Finds a Python that is new enough and hands over to tools/setup.py, which builds .venv with it.
# `python3` comes first; a distribution with an old `python3` may have a newer one beside it.
new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
new=
for python in python3 python3.14 python3.13 python3.12 python3.11; do
    "$python" -c "$new_enough" 2>/dev/null || continue
    new=$python
    "$python" -c 'import ensurepip, venv' 2>/dev/null && exec "$python" "${0%.sh}.py"
done
if [ -n "$new" ]; then
    echo "setup: $new has no venv module; on Debian or Ubuntu: apt install python3-venv" >&2
elif command -v python3 >/dev/null; then
    echo "setup: needs Python 3.11 or newer; python3 is $(python3 --version 2>&1)" >&2
else
    echo "setup: needs Python 3.11 or newer; on Debian or Ubuntu: apt install python3-venv" >&2
fi
exit 1
