# SPDX-License-Identifier: Apache-2.0
"""What a status word means to the person in front of the screen, in English and in Chinese
(PROTOCOL.md §5). Imported late, when something is refused.

English fits two rows of 21 characters, Chinese one row of 9; drivers.hanzi has its glyphs.
"""

from __future__ import annotations

from duotap import status

OTHER = 2  # any other

REASONS = {
    status.NO_AMOUNT: ("amount must be above zero", "金额须大于零"),
    status.LOW_BATTERY: ("charge the battery", "电量不足请充电"),
    OTHER: ("refused", "未知原因"),
    status.NOT_PERMITTED: ("press sync first", "请先按同步键"),
    status.WRONG_STATE: ("press PAY first", "请先按付款键"),
    status.MALFORMED: ("not understood", "无法识别"),
    status.NOT_FOUND: ("not one of our cards", "不是本系统的卡"),
    status.JOURNAL_FULL: ("journal is full: deposit", "日志已满请上交"),
    status.UNKNOWN_REFERENCE: ("not known here", "此处无记录"),
    status.ABOVE_BALANCE: ("above balance", "余额不足或超限"),
    status.ABOVE_PAYMENT_LIMIT: ("above limit of one payment", "超过单笔限额"),
    status.ABOVE_SUM: ("above sum: deposit first", "超过累计限额请上交"),
    status.ABOVE_COUNT: ("too many payments: deposit first", "付款次数已满请上交"),
    status.CONFIRM: ("confirm on the card, touch again", "请在卡上确认再碰"),
    status.EXPIRED: ("certificate has expired: deposit", "证书过期请上交"),
    status.DENY_LISTED: ("on the deny list", "已被列入停用名单"),
    status.DAMAGED: ("damaged: have it replaced", "已损坏请更换"),
    status.NOT_NEXT: ("touch again", "请再碰一次"),
    status.ASK_LEDGER: ("deposit: the ledger decides", "请上交由账本决定"),
    status.TOO_MANY_OPEN: ("too many unfinished: deposit", "未完成过多请上交"),
    status.CURRENCY_OR_VERSION: ("another currency or version", "币种或版本不符"),
    status.SIGNATURE: ("signature is wrong", "签名无效"),
    status.NOT_THIS_DEVICE: ("meant for another device", "不属于本设备"),
    status.SCOPE: ("money is not for this shop", "款项不适用于本店"),
    status.NUMBER_NOT_NEXT: ("statement out of order", "指令顺序不符"),
}


def text(sw: int) -> tuple[str, str]:
    """Plain English and Chinese of a status word; of one that has none the word itself."""
    if sw in REASONS:
        return REASONS[sw]
    return f"status {sw:04X}", REASONS[OTHER][1]
