# SPDX-License-Identifier: Apache-2.0
"""The firmware as every board's own build freezes it (a manifest; the boards include it).

Frozen code takes no heap, so nothing is linked here. `thumb=True`: with the machine code of the
RP2040. Which sources were frozen is told by `firmware_digest`, a module that is written here;
with DUOTAP_DEVELOP set it says that this is a development build (PROTOCOL.md §3).
"""

# ruff: noqa: F821  (the names are those of MicroPython's manifest files)
import hashlib
import os

options.defaults(thumb=False)

FIRMWARE = "../firmware"
PACKAGES = ("card", "drivers", "duotap", "port", "stand")
BUILD = "../build/frozen"
DIGEST = "firmware_digest.py"
DEVELOPMENT = b"DEV\0"  # port.parts.DEVELOPMENT


def names(package):
    """The files of a package, without code for another chip."""
    found = sorted(name for name in os.listdir(f"{FIRMWARE}/{package}") if name.endswith(".py"))
    return [name for name in found if options.thumb or not name.startswith("thumb_")]


digest = hashlib.sha256()
for folder in PACKAGES:
    package(folder, files=names(folder), base_path=FIRMWARE, opt=3)
    for name in names(folder):
        with open(f"{FIRMWARE}/{folder}/{name}", "rb") as file:
            content = hashlib.sha256(file.read()).digest()
        digest.update(f"{folder}/{name}".encode() + b"\0" + content)
module("typing.py", base_path=f"{FIRMWARE}/shims", opt=3)
module("__future__.py", base_path=f"{FIRMWARE}/shims", opt=3)
module("main.py", base_path=FIRMWARE, opt=3)
if not os.getenv("DUOTAP_DEVELOP"):
    module("boot.py", base_path="locked", opt=3)
os.makedirs(BUILD, exist_ok=True)
with open(f"{BUILD}/{DIGEST}", "w") as file:
    told = digest.digest()
    if os.getenv("DUOTAP_DEVELOP"):
        told = DEVELOPMENT + told[len(DEVELOPMENT) :]
    file.write(f"DIGEST = {told!r}\n")
module(DIGEST, base_path=BUILD)
