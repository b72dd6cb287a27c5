# SPDX-License-Identifier: Apache-2.0
"""Names that cost a board nothing, and then short ones.

MicroPython keeps each name that it meets in the heap for ever (about 26 bytes on 64 bits), unless
its own C code has that name already. So what is renamed takes names of builtins' methods and of
functions in modules that every port has; which ones does not matter to whoever runs the code.
"""

from __future__ import annotations

import builtins
import string
from collections.abc import Iterator

LETTERS = string.ascii_lowercase + string.ascii_uppercase

# Methods of types, functions of gc, sys, time, os, math, struct, json, re, random, binascii,
# micropython and select; then errno, uctypes, vfs, framebuf, deflate, ssl, _thread and what
# asyncio is written in: with stock builds for ESP32 and RP2040 as with the Unix port.
NAMES = (
    "append args bytecode callable clear close collect const copy count decode dict_view digest "
    "disable enable encode end endswith extend find format from_bytes get heap_lock heap_unlock "
    "hexlify index insert isalpha isdigit isenabled islower isspace isupper items join key keys "
    "little localtime lower lstrip mem_alloc mem_free mem_info micropython native opt_level pop "
    "popitem pend_throw print_exception ptr ptr16 ptr32 ptr8 qstr_info readline readlines remove "
    "replace rfind rindex rsplit rstrip schedule sep setdefault sleep sleep_ms sleep_us sort "
    "split stack_use start startswith step stop strip threshold ticks_add ticks_diff ticks_ms "
    "ticks_us to_bytes unhexlify update upper value values viper function generator module "
    "closure iterator bound_method partition rpartition discard difference intersection "
    "isdisjoint issubset issuperset symmetric_difference union add real imag big path argv "
    "version name implementation modules stdin stdout stderr byteorder maxsize exit acos asin "
    "atan atan2 ceil copysign cos degrees e exp fabs floor fmod frexp isfinite isinf isnan ldexp "
    "log modf pi radians sin sqrt tan trunc calcsize pack pack_into unpack unpack_from dump dumps "
    "load loads match search sub group compile choice getrandbits randint randrange random seed "
    "uniform a2b_base64 b2a_base64 crc32 heapify heappop heappush poll ipoll register unregister "
    "modify mount umount time sha256 deque namedtuple OrderedDict errorcode errno EACCES "
    "EADDRINUSE EAGAIN EALREADY EBADF ECONNABORTED ECONNREFUSED ECONNRESET EEXIST EHOSTUNREACH "
    "EINPROGRESS EINVAL EIO EISDIR ENOBUFS ENODEV ENOENT ENOMEM ENOTCONN EOPNOTSUPP EPERM "
    "ETIMEDOUT ARRAY BFINT16 BFINT32 BFINT8 BFUINT16 BFUINT32 BFUINT8 BF_LEN BF_POS BIG_ENDIAN "
    "FLOAT32 FLOAT64 LITTLE_ENDIAN NATIVE PTR UINT UINT64 ULONG ULONGLONG USHORT VOID addressof "
    "bytearray_at bytes_at sizeof struct uctypes VfsFat VfsLfs2 ilistdir mkdir chdir getcwd "
    "rename rmdir statvfs stat mkfs progsize readsize lookahead FrameBuffer FrameBuffer1 GS2_HMSB "
    "GS4_HMSB GS8 MONO_HLSB MONO_HMSB MONO_VLSB MVLSB RGB565 blit ellipse fill fill_rect hline "
    "poly scroll vline framebuf sha1 aes encrypt cryptolib deflate DeflateIO GZIP RAW ZLIB AUTO "
    "StringIO BytesIO IOBase getvalue POLLERR POLLHUP POLLIN POLLOUT allocate_lock get_ident "
    "stack_size start_new_thread create_task current_task cur_task get_event_loop new_event_loop "
    "run_until_complete run_forever call_exception_handler set_exception_handler "
    "get_exception_handler default_exception_handler IOQueue _enqueue _dequeue queue_write "
    "queue_read wait_io_event SingletonGenerator StreamWriter StreamReader ThreadSafeFlag "
    "wait_for wait_for_ms coro ph_key waiting poller runq_len dt main_task TaskQueue peek "
    "readexactly drain wait_closed get_extra_info out_buf start_server open_connection is_set aw "
    "return_exceptions _exc_context _io_queue _stopper _task_queue _attrs Server getaddrinfo "
    "collections heapq binascii hashlib json platform select time_pulse_us Signal libc_ver "
    "python_compiler appendleft popleft ps1 ps2 gmtime mktime time_ns ticks_cpu urandom unlink "
    "kbd_intr phase polar erf erfc lgamma acosh asinh atanh log2 log10 expm1 tau isclose keepends "
    "reverse center splitlines separators Loop NoneType PROTOCOL_TLS_CLIENT RingIO SOCK_STREAM "
    "SOL_SOCKET SO_REUSEADDR SSLContext ViperTypeError _Remove _asyncio _exc_handler "
    "_promote_to_task _run _serve _stop_task abs_tol accept aclose awritestr backlog bind buffer "
    "buffering cmath deleter dest do_handshake_on_connect doc exc exc_type execfile fromhex "
    "getter host idx indices intersection_update listen main newline peername rel_tol sgen single "
    "soft_reset src ssl stream_awrite sz tb unsafe usys version_info waiter waitq_len wrap_socket "
    "setter setsockopt server_side server_hostname line pixel locked gather funcs stream core "
    "lock loop push cb text rect encoding iterable system clock cosh sinh tanh gamma inf nan "
    "factorial"
)
# Of the letters, too, C code has some.
ARGUMENTS = "efnrstv" + "abcdghijklmopquwxyz" + string.ascii_uppercase
RESERVED = {*dir(builtins), "const"}


def short_names() -> Iterator[str]:
    """First what costs nothing, then _a, _b ... _Z, _aa, _ab ..."""
    yield from (name for name in NAMES.split() if name not in RESERVED)
    yield from (f"_{letter}" for letter in LETTERS)
    yield from (f"_{first}{second}" for first in LETTERS for second in LETTERS)
