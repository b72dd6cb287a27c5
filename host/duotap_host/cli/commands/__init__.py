# SPDX-License-Identifier: Apache-2.0
"""One module a command. A file here is a command of `duotap`: its name, with "-" for "_", and its
attribute `command`. It is imported when it is called or listed."""
