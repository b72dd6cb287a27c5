# SPDX-License-Identifier: Apache-2.0
"""Statements without a money key's number, as a device takes them: by epoch (policy, membership,
list, time, epoch) and by a root's number (key, reset); PROTOCOL.md §7.

What is refused changes nothing. It knows no transport: they come by cable and by taps, and every
courier may try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import certificate, denylist, fold, messages, record, records, status
from duotap.errors import Refusal
from duotap.news import EPOCHS_AHEAD

if TYPE_CHECKING:
    from typing import Any

    from duotap.device import Device


# Of a full list with its deltas, each of up to 5 pages: they fit one sector when they are carried.
LISTS_PAGES = 12
CARRIED_BYTES = 5  # what a carried copy adds to a statement


def take(device: Device, raw: bytes) -> int:
    """Type of the record that was journalled, 0 if it was known already. Raises Refusal."""
    device.own()
    return take_signed(device, messages.decode(raw, *fold.STATEMENTS))


def take_signed(device: Device, signed: Any) -> int:
    """The same of a message that is decoded already."""
    kind = int(TAKES.get(type(signed.message), _by_epoch)(device, signed))
    device.refresh()
    return kind


def _by_epoch(device: Device, signed: Any) -> int:
    """Policy, membership, list, time, epoch: newer wins, equal or older is ignored."""
    message = signed.message
    state = device.purse.state
    if getattr(message, "device", None) not in (None, device.id):
        raise Refusal(status.NOT_THIS_DEVICE, "statement names another device")
    known = _last(state, fold.subject(message))
    # What is ahead of the own epoch is from before a reset, and stands in nobody's way.
    if known is not None and message.epoch <= known.epoch <= state.epoch:
        return 0
    device.trust.verify(signed, certificate.USAGE_LISTS, state.epoch)
    _check_epoch(device, message, state.epoch)
    return _keep(device, signed)


def _list(device: Device, signed: Any) -> int:
    """A list that is newer; a delta that goes on from what is known, a set that is here."""
    message, state = signed.message, device.purse.state
    known = state.list_epochs()[-1]
    is_set = not message.delta and message.content[:1] == bytes([denylist.SET])
    if message.epoch <= known and not (is_set and message.epoch == state.full_list[1]):
        return 0
    denylist.check(message)
    if message.delta and message.from_epoch > known:
        raise Refusal(status.WRONG_STATE, "a delta that goes on from a newer list")
    device.trust.verify(signed, certificate.USAGE_LISTS, state.epoch)
    _check_epoch(device, message, state.epoch)
    if message.delta:
        kept = [size for _, start, size in state.deltas.values() if start < message.from_epoch]
        kept += [state.full_list[2], len(signed.raw)]
        if sum([record.pages_for(size + CARRIED_BYTES) for size in kept if size]) > LISTS_PAGES:
            raise Refusal(status.JOURNAL_FULL, "too many deltas: a full list comes by cable")
    elif is_set:
        sets = _want(device, message.content)
        if message.epoch > known:  # else its set had been lost
            _keep(device, signed)
        sets.keep(message.content[1 : 1 + denylist.HASH_BYTES])
        return records.STATEMENT
    return _keep(device, signed)


def _want(device: Device, content: bytes) -> Any:
    """What keeps sets. Refusal 6A88 until the one that a list names is here; its parts are taken
    from then on."""
    digest = content[1 : 1 + denylist.HASH_BYTES]
    if device.sets is None:
        raise Refusal(status.JOURNAL_FULL, "no room for a set")
    sets = device.sets()
    if not sets.has(digest):
        if device.coming is None or device.coming.digest != digest:
            device.coming = sets.coming(digest, denylist.set_length(content))
        raise Refusal(status.UNKNOWN_REFERENCE, "the set of this list first")
    device.coming = None
    return sets


def _check_epoch(device: Device, message: Any, own: int) -> None:
    """A device that knows no epoch yet takes the first as it is."""
    if not own or message.epoch <= own + EPOCHS_AHEAD:
        return
    far = getattr(message, "far", None)
    if far is None:
        raise Refusal(status.SIGNATURE, "an epoch so far ahead needs the root's signature")
    by_root = messages.decode(far, messages.Epoch)
    if by_root.message != messages.Epoch(message.epoch, None):
        raise Refusal(status.SIGNATURE, "the root signed another epoch")
    device.trust.verify(by_root, certificate.USAGE_ROOT, own)


def _key(device: Device, signed: Any) -> int:
    if not _is_newer(device, signed):
        return 0
    device.trust.verify(signed, certificate.USAGE_ROOT, 0)
    device.purse.check_room(record.pages_for(len(signed.raw)))
    device.trust.add(signed.message.keycert)
    return _keep(device, signed)


def _reset(device: Device, signed: Any) -> int:
    if signed.message.device != device.id:
        raise Refusal(status.NOT_THIS_DEVICE, "statement names another device")
    if not _is_newer(device, signed):
        return 0
    device.trust.verify(signed, certificate.USAGE_ROOT, 0)
    return _keep(device, signed)


def _is_newer(device: Device, signed: Any) -> bool:
    """False for the last of its type again. Refusal unless its number is above the last's."""
    last = 0
    for _, raw in device.purse.state.statements.values():
        known = messages.decode(raw, *fold.STATEMENTS)
        if type(known.message) is type(signed.message):
            if known.hash == signed.hash:
                return False
            last = max(last, known.message.number)
    if signed.message.number <= last:
        raise Refusal(status.NUMBER_NOT_NEXT, "number is not above the last")
    return True


def _last(state: Any, subject: tuple[int, bytes]) -> Any:
    """The statement of this subject that is in force, None if there is none."""
    known = state.statements.get(subject)
    return messages.decode(known[1], *fold.STATEMENTS).message if known else None


def _keep(device: Device, signed: Any) -> int:
    device.purse.check_room(record.pages_for(len(signed.raw)))
    device.purse.commit(records.STATEMENT, signed.raw)
    return records.STATEMENT


TAKES = {messages.KeyStatement: _key, messages.Reset: _reset, messages.DenyList: _list}
