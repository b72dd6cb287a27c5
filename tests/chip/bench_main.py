# SPDX-License-Identifier: Apache-2.0
"""In place of main.py, over the modules as they stand: prints what signatures take, in
microseconds, with portable integers and with Thumb instructions."""

import gc
import time
from hashlib import sha256

from duotap import p256
from port import thumb_p256
from port.thumb_group import ThumbGroup

SECRET = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
digest = sha256(b"sample").digest()


def took(name, function, *arguments):
    gc.collect()
    began = time.ticks_us()
    result = function(*arguments)
    us = time.ticks_diff(time.ticks_us(), began)
    print("took", name, us)
    return result


def all_of(kind):
    public = p256.public_key(SECRET)
    signature = took(kind + " sign", p256.sign, SECRET, digest, bytes(32))
    took(kind + " verify", p256.verify, public, digest, signature)
    known = p256.KnownKey(public)
    p256.verify(known, digest, signature)
    took(kind + " known", p256.verify, known, digest, signature)
    return signature


time.sleep_ms(500)  # until somebody listens at the USB
first = all_of("stock")
p256.compute_with(ThumbGroup(thumb_p256))
print("same", all_of("Thumb") == first)
