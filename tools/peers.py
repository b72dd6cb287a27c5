# SPDX-License-Identifier: Apache-2.0
"""Installs other people's NFC programs for `make test-peers`: Debian packages, and .venv-peers.

Runs on a bare Python. It can end in four ways:
1. everything is there already;
2. installed: packages by apt, if this is root; Python libraries by pip, in .venv-peers;
3. Missing: a package is not there and cannot be installed, status 1 and one line that says which;
4. interrupted: no stamp is written and the next run goes on from what is there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-peers"
STAMP = VENV / "setup.stamp"
REQUIREMENTS = ROOT / "tests" / "peers" / "requirements.txt"
# What shows that a Debian package is installed.
PACKAGES = {
    "libnfc-bin": "nfc-list",
    "libnfc-examples": "nfc-poll",
    "libnfc-pn53x-examples": "pn53x-diagnose",
    "opensc": "opensc-tool",
    "pcscd": "pcscd",
    "vsmartcard-vpcd": "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
}
SEARCHED = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # pcscd is in one that users lack
APT = ["apt-get", "-o", "Acquire::Retries=2", "-o", "DPkg::Lock::Timeout=300"]


class Missing(Exception):
    """The tier cannot run here; the text is the one line that says what this machine lacks."""


def is_there(shows: str) -> bool:
    return Path(shows).exists() or shutil.which(shows, path=SEARCHED) is not None


def lacking() -> list[str]:
    """Debian packages that are not installed."""
    return [package for package, shows in PACKAGES.items() if not is_there(shows)]


def install_packages() -> None:
    """By apt, when something is missing and this is root."""
    names = lacking()
    if not names:
        return
    by_hand = f"apt install {' '.join(names)}"
    if shutil.which("apt-get") is None:
        raise Missing(f"needs the Debian packages {', '.join(names)}, and there is no apt-get")
    if os.geteuid() != 0:
        raise Missing(f"needs root to install Debian packages, or first: {by_hand}")
    print(f"peers: installing {', '.join(names)}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", *names]):
        done = subprocess.run([*APT, *step], env=quiet, capture_output=True, text=True)
        # A list that could not be fetched may be one that is not needed: install tells.
        if done.returncode != 0 and step[0] == "install":
            raise Missing(f"{by_hand} failed: {last_line(done.stderr)}")
    if left := lacking():
        raise Missing(f"{', '.join(left)} installed, and still not there")


def install_libraries() -> None:
    """A fresh .venv-peers whenever the list, the Python or the place has changed."""
    wanted = f"{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()} {sys.version} {VENV}"
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    print("peers: making .venv-peers", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True, symlinks=True)
    command = [
        str(VENV / "bin" / "python"),
        "-I",
        "-m",
        "pip",
        "install",
        "--no-input",
        "--no-deps",
    ]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "-r", str(REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Missing(f"pip failed: {last_line(done.stderr)}")
    STAMP.write_text(wanted)


def last_line(text: str) -> str:
    """The last error told; tools say much before it."""
    lines = [line for line in text.splitlines() if line.startswith(("E:", "ERROR:"))]
    return (lines or text.splitlines() or ["no error told"])[-1]


def main() -> int:
    try:
        install_packages()
        install_libraries()
    except Missing as missing:
        print(f"peers: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
