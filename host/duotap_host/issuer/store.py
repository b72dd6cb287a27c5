# SPDX-License-Identifier: Apache-2.0
"""The issuer's keys in a directory: encrypted PKCS#8 files, keycerts, and what may be public.

    issuer.json          format, currency, the day of epoch 1
    root.pem, root.pub   and next-root: private key (encrypted), public key (PEM)
    money.pem, .keycert  and the other working keys; a keycert is signed by root (PROTOCOL.md §3)
    reader.pem, .pub     of the reader that the operator's own machine is

Private keys are opened one by one, when one is to sign. A directory appears as a whole or not at
all. It knows no message but keycerts.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from duotap_host.issuer import pkcs8
from duotap_host.issuer.es256 import SigningKey, public_bytes

FORMAT = 1
SETTINGS = "issuer.json"
SECRET_MODE = 0o600
DIRECTORY_MODE = 0o700
PASSPHRASE_BYTES_MIN = 8  # shorter ones are guessed offline from a stolen file

Passphrase = Callable[[], bytes]


class IssuerError(Exception):
    """The keys cannot be used as asked; one line that tells a person why, without any secret."""


class KeyStore:
    """Public halves and keycerts at once, private keys when asked for; `opened` need no asking."""

    def __init__(
        self,
        directory: Path,
        passphrase: Passphrase,
        opened: Mapping[str, SigningKey] = MappingProxyType({}),
    ) -> None:
        self.directory = directory
        self._passphrase = passphrase
        self._opened = dict(opened)
        self.settings: dict[str, object] = self._settings()

    def _settings(self) -> dict[str, object]:
        path = self.directory / SETTINGS
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise IssuerError(f"no issuer's keys in {self.directory}") from None
        except (ValueError, OSError) as error:
            raise IssuerError(f"cannot read {path}: {_why(error)}") from None
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise IssuerError(f"{path} is of another version")
        return found

    def key(self, name: str) -> SigningKey:
        """The private key `name`; asks for the passphrase the first time."""
        if name not in self._opened:
            path = self.directory / f"{name}.pem"
            try:
                private = pkcs8.read(self.read(path.name), self._passphrase())
            except pkcs8.WrongPassphrase:
                raise IssuerError(f"wrong passphrase for {path}, or the file is damaged") from None
            except ValueError:
                raise IssuerError(f"{path} is not a private key of P-256") from None
            self._opened[name] = SigningKey(private)
        return self._opened[name]

    def public(self, name: str) -> bytes:
        """The public key `name` (65 bytes); needs no passphrase."""
        path = self.directory / f"{name}.pub"
        try:
            return public_key(self.read(path.name))
        except ValueError:
            raise IssuerError(f"{path} is not a public key of P-256") from None

    def read(self, name: str) -> bytes:
        """The bytes of a file of the directory."""
        path = self.directory / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise IssuerError(f"cannot read {path}: {_why(error)}") from None


def public_key(pem: bytes) -> bytes:
    """The 65 bytes of a PEM file's key. ValueError unless it is of P-256."""
    key = load_pem_public_key(pem)
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != ec.SECP256R1.name:
        raise ValueError("not of P-256")
    return public_bytes(key)


def create(
    directory: Path,
    passphrase: bytes,
    settings: Mapping[str, object],
    keys: Mapping[str, SigningKey],
    files: Mapping[str, bytes],
) -> None:
    """Write a whole store, or nothing. IssuerError if there is something in the directory."""
    if len(passphrase) < PASSPHRASE_BYTES_MIN:
        raise IssuerError(f"passphrase is shorter than {PASSPHRASE_BYTES_MIN} characters")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise IssuerError(f"{directory} is not empty; keys are never overwritten")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=directory.name + ".", dir=directory.parent))
    except OSError as error:
        raise IssuerError(f"cannot write beside {directory}: {_why(error)}") from None
    try:
        _fill(draft, passphrase, settings, keys, files)
        draft.rename(directory)
    except OSError as error:
        raise IssuerError(f"cannot write {directory}: {_why(error)}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fill(
    draft: Path,
    passphrase: bytes,
    settings: Mapping[str, object],
    keys: Mapping[str, SigningKey],
    files: Mapping[str, bytes],
) -> None:
    draft.chmod(DIRECTORY_MODE)
    _write(draft / SETTINGS, json.dumps({"format": FORMAT, **settings}, indent=1).encode())
    for name, key in keys.items():
        _write(draft / f"{name}.pem", pkcs8.write(key.private, passphrase))
        spki = key.private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        _write(draft / f"{name}.pub", spki)
    for name, content in files.items():
        _write(draft / name, content)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _why(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
