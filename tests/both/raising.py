# SPDX-License-Identifier: Apache-2.0
"""`raises` for tests that run where pytest does not."""


def raises(error, action, *arguments):
    """Tell whether the call ends in this error, and in no class derived from or above it."""
    try:
        action(*arguments)
    except Exception as raised:
        if type(raised) is not error:
            raise
        return True
    return False
