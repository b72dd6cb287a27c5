# SPDX-License-Identifier: Apache-2.0
"""The entry of the command `duotap`. A mistake ends with one line on stderr and a status that is
not 0, and nothing is lost."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import rich_click as click
from click.exceptions import Exit

from duotap_host.cli import commands
from duotap_host.cli.desk import KEYS, LEDGER, Desk
from duotap_host.device.errors import DeviceError
from duotap_host.issuer import IssuerError
from duotap_host.ledger.interface import LedgerError
from duotap_host.provision.manifest import ManifestError
from duotap_host.provision.sheet import SheetError

FAILED = 1
STOPPED = 130  # as a shell tells of an interrupt


class Commands(click.RichGroup):
    """Lists the modules of `commands`; imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = (module.name.replace("_", "-") for module in iter_modules(commands.__path__))
        return sorted(names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command


@click.group("duotap", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--ledger",
    "ledger_url",
    metavar="URL",
    envvar="DUOTAP_LEDGER",
    default=LEDGER,
    show_default=True,
    show_envvar=True,
    help="The ledger: sqlite:///FILE or postgresql://...",
)
@click.option(
    "--keys",
    metavar="DIR",
    envvar="DUOTAP_KEYS",
    type=click.Path(path_type=Path),
    default=KEYS,
    show_default=True,
    show_envvar=True,
    help="The issuer's keys.",
)
@click.option(
    "--passphrase-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Holds the passphrase of the keys; else DUOTAP_PASSPHRASE, else it is asked for.",
)
@click.pass_context
def duotap(
    context: click.Context, ledger_url: str, keys: Path, passphrase_file: Path | None
) -> None:
    """Digital cash that keeps working when nobody has network: the operator's side."""
    context.obj = Desk(ledger_url, keys, passphrase_file)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its status."""
    try:
        status = duotap.main(arguments, standalone_mode=False)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "duotap"
        _fail(f"{error.format_message()} (see {where} --help)", error.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except (DeviceError, LedgerError, IssuerError, ManifestError) as error:
        _fail(str(error), FAILED)
    except SheetError as error:
        for told in error.told:
            print(f"duotap: {told}", file=sys.stderr)
        sys.exit(FAILED)
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped", STOPPED)
    except Exit as left:
        sys.exit(left.exit_code)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(text: str, status: int) -> None:
    print(f"duotap: {' '.join(text.split())}", file=sys.stderr)
    sys.exit(status)
