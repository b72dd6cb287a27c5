# SPDX-License-Identifier: Apache-2.0
"""A device is taken out of service: its journal is deposited, its value is home, nothing of it is
under way. From then on nothing is signed for it, and the deny list lists it."""

from __future__ import annotations

from duotap.fold import State
from sqlalchemy import Connection, text

from duotap_host.ledger import registry
from duotap_host.ledger.interface import Device, DeviceState, Refused
from duotap_host.money import show

# No statement was signed for it meanwhile: the number is still the one that its journal expects.
RETIRE = (
    "UPDATE devices SET state = 'retired'"
    " WHERE id = :id AND state = 'active' AND next_number = :number"
)


def retire(connection: Connection, state: State, is_frozen: bool, key: bytes) -> None:
    """Close the account of a device whose covered journal adds up to `state`; one that is
    retired stays so. Refused, with what to do first."""
    device = registry.find(connection, key)
    if device.state == DeviceState.RETIRED:
        return
    _check(device, state, is_frozen)
    row = {"id": key, "number": state.next_issue}
    if connection.execute(text(RETIRE), row).rowcount != 1:
        raise Refused("statements of the ledger wait for this device: deposit it first")


def _check(device: Device, state: State, is_frozen: bool) -> None:
    name = device.id.hex()
    if device.state != DeviceState.ACTIVE or is_frozen:
        raise Refused(f"device {name} is {device.state} or in dispute: see duotap findings")
    if state.balance():
        raise Refused(f"device {name} holds {show(state.balance())}: unload it first")
    if state.open_offer is not None:
        raise Refused(f"device {name} waits for a payment: cancel it there, then retire it")
    if state.open_payments:
        raise Refused(
            f"{len(state.open_payments)} payments of device {name} are not closed: deposit those"
            f" that it paid, then retire it; or wait: duotap lost report {name} --reason dead"
        )
