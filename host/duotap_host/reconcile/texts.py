# SPDX-License-Identifier: Apache-2.0
"""The sentences of findings, English and Chinese, and what people call records."""

from __future__ import annotations

from duotap import records

SHORT_BYTES = 4  # enough to tell devices apart on a page; the whole id is in the finding

RECORDS = {
    records.IDENTITY: "identity",
    records.STATEMENT: "statement",
    records.LOAD: "load",
    records.CANCEL: "cancel",
    records.BASE_PART: "base part",
    records.CHECKPOINT: "checkpoint",
    records.OFFER: "offer",
    records.PAYMENT: "payment",
    records.CLOSING: "closing",
    records.CREDIT: "credit (C)",
    records.ACCOUNT: "account (S)",
    records.UNPAID: "unpaid (V)",
    records.LATE_VOID: "late void",
    records.CONFLICT: "conflict",
    records.REFUND_GIVEN: "refund given",
    records.REFUND_TAKEN: "refund taken",
    records.UNLOAD: "unload",
    records.CARRIED: "carried",
    records.TICKS: "ticks",
    records.RESERVED: "reserved",
}
HEAD = "head"

SENTENCES = {
    "fork": (
        "device {device} has two histories from record {at} on: it was copied or set back",
        "设备 {device} 从第 {at} 条记录起有两份历史：已被复制或回滚",
    ),
    "duplicate_payment": (
        "device {device} signed {count} different payments under payment number {counter}",
        "设备 {device} 在付款序号 {counter} 下签了 {count} 笔不同的付款",
    ),
    "duplicate_offer": (
        "device {device} signed {count} different offers under offer number {counter}",
        "设备 {device} 在收款序号 {counter} 下签了 {count} 份不同的收款请求",
    ),
    "void_and_honoured": (
        "device {device} signed both a receipt and a void of payment {payment}",
        "设备 {device} 对付款 {payment} 既签了收据又签了作废",
    ),
    "unknown_load": (
        "alarm: device {device} took statement {number}, which this ledger did not sign",
        "警报：设备 {device} 接受了第 {number} 号指令，但本账本没有签发过",
    ),
    "unknown_certificate": (
        "alarm: device {device} has a certificate that is not in this ledger's book",
        "警报：设备 {device} 的证书不在本账本中",
    ),
    "beyond_factory": (
        "alarm: device {device} has a certificate that factory key {factory} may not sign: {why}",
        "警报：设备 {device} 的证书超出了工厂密钥 {factory} 的权限：{why}",
    ),
    "unknown_key": (
        "record {record} of device {device} has a message signed by {signer}, whom nobody knows",
        "设备 {device} 的记录 {record} 中有一条消息由未知密钥 {signer} 签名",
    ),
    "bad_signature": (
        "record {record} of device {device} has a message whose signature by {signer} is wrong",
        "设备 {device} 的记录 {record} 中有一条消息的签名（{signer}）无效",
    ),
    "damaged": (
        "record {record} of device {device} cannot be read or cannot follow the ones before it",
        "设备 {device} 的记录 {record} 无法读取，或与之前的记录不相接",
    ),
    "overspent": (
        "record {record} of device {device} takes more than its purse holds",
        "设备 {device} 的记录 {record} 支出超过其钱包余额",
    ),
    "gap": (
        "device {device}: records {first} to {last} are missing; deposit it again or replace it",
        "设备 {device} 缺少第 {first} 至 {last} 条记录，请重新上交日志或更换设备",
    ),
    "amount_mismatch": (
        "device {device} paid {paid} for an offer of {asked}, or named another offer's details",
        "设备 {device} 对 {asked} 的收款请求付了 {paid}，或所述内容与请求不符",
    ),
    "wrong_closing": (
        "device {device} closed payment {payment} in a way that its certificate does not allow",
        "设备 {device} 以其证书不允许的方式结清了付款 {payment}",
    ),
    "wrong_refund": (
        "device {device} refunds {paid} of a payment that it did not receive",
        "设备 {device} 退款 {paid}，但它没有收到相应的付款",
    ),
    "over_refunded": (
        "device {device} gave back {given} of a payment of {paid}",
        "设备 {device} 对一笔 {paid} 的付款退了 {given}",
    ),
    "over_limit": (
        "device {device} paid {paid} at once; its certificate allows {limit}",
        "设备 {device} 单笔付款 {paid}，超过证书限额 {limit}",
    ),
    "over_received_limit": (
        "device {device} took {paid} at once from one that can be set back; its limit is {limit}",
        "设备 {device} 从可回滚的设备单笔收款 {paid}，超过限额 {limit}",
    ),
    "head_differs": (
        "device {device} says that it holds {said}; its own records make {held}",
        "设备 {device} 自称持有 {said}，但其自身记录合计为 {held}",
    ),
    "balance_differs": (
        "device {device}: the book has {booked} for it, its own records make {held}",
        "设备 {device}：账面为 {booked}，其自身记录合计为 {held}",
    ),
    "firmware_differs": (
        "alarm: device {device} runs firmware {runs}, but was certified with {ours}",
        "警报：设备 {device} 运行的固件为 {runs}，与证书所载的 {ours} 不符",
    ),
    "over_count": (
        "device {device} made {came_to} payments between two deposits; {allowed} are allowed",
        "设备 {device} 两次上交之间付款 {came_to} 笔，限 {allowed} 笔",
    ),
    "over_total": (
        "device {device} paid {came_to} between two deposits; {allowed} is allowed",
        "设备 {device} 两次上交之间共付款 {came_to}，限额 {allowed}",
    ),
    "over_received_total": (
        "device {device} took {came_to} between two deposits from devices that can be set back;"
        " {allowed} is allowed",
        "设备 {device} 两次上交之间从可回滚的设备共收款 {came_to}，限额 {allowed}",
    ),
    "expired": (
        "device {device} made new business in epoch {came_to}; it expired in epoch {allowed}",
        "设备 {device} 在第 {came_to} 期仍发起新交易，其证书已于第 {allowed} 期到期",
    ),
    "debt": (
        "device {device}: {home} owes {owed}, claimed after its value was returned",
        "设备 {device}：其余额退还后又有索偿，{home} 欠 {owed}",
    ),
    "correction_refused": (
        "device {device}: {amount} cannot be taken back, the account does not hold it any more",
        "设备 {device}：{amount} 无法追回，账户余额不足",
    ),
}


def short(key: bytes) -> str:
    """The beginning of an id or hash."""
    return key[:SHORT_BYTES].hex() or "?"
