# SPDX-License-Identifier: Apache-2.0
"""From deposited journals to transfers and findings (PROTOCOL.md §11, SECURITY.md).

Pure functions: the archive as it stands goes in, what the book should say comes out. The result
hangs on what is archived, never on the order in which it came, because it is worked out from the
whole and compared with what is booked: what differs is booked or, where later evidence overturns
something, corrected. Nothing here opens a database.

    chains      which records a device's heads cover, and where its history forks
    reading     records to verified messages
    fold        what a device's records add up to
    matching    offers, loads, unloads and refunds to what became of them
    booking     what became of them to transfers, as a difference
    findings    what contradicts: codes and texts
    handover    what each device is to be handed next, and bases of checkpoints
    losses      what is paid for devices that do not come back
    proofs      findings that two signatures prove, as files
"""
