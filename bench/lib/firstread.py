"""A vhost-user-blk front-end that starts in no time: it connects as soon as it can, and reads a block."""
import mmap
import os
import select
import socket
import struct
import time

MEMORY_BYTES = 1 << 20
GPA = 0x4000_0000
USER = 0x7000_0000_0000  # where this memory would be in the front-end: only the back-end does sums with it
DESC, AVAIL, USED, HEADER, STATUS, DATA = 0x0, 0x1000, 0x2000, 0x3000, 0x4000, 0x5000
QUEUE_SIZE = 8

# Message types of the vhost-user protocol.
GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 1, 2, 3, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, SET_VRING_KICK, SET_VRING_CALL = 8, 9, 10, 12, 13
GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, SET_VRING_ENABLE = 15, 16, 18
VERSION, REPLY = 1, 4

F_VERSION_1, F_PROTOCOL_FEATURES = 1 << 32, 1 << 30
NEXT, WRITE = 1, 2


def first_read(path, timeout_seconds):
    """Returns when the disk at the socket has answered its first read."""
    end = time.monotonic() + timeout_seconds
    with _connected(path, end) as peer:
        memory, kick, call = os.memfd_create("first-read"), os.eventfd(0), os.eventfd(0)
        try:
            os.ftruncate(memory, MEMORY_BYTES)
            with mmap.mmap(memory, MEMORY_BYTES) as ram:
                _prepare(ram)
                _start(peer, memory, kick, call)
                os.eventfd_write(kick, 1)
                while struct.unpack_from("<H", ram, USED + 2)[0] == 0:
                    if time.monotonic() > end:
                        raise SystemExit(f"compare: {path} does not answer a read")
                    select.select([call], [], [], 0.1)
                if ram[STATUS] != 0:
                    raise SystemExit(f"compare: {path} fails to read: status {ram[STATUS]}")
        finally:
            for fd in (memory, kick, call):
                os.close(fd)


def _connected(path, end):
    while True:
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.connect(path)
            return peer
        except OSError:
            peer.close()
            if time.monotonic() > end:
                raise SystemExit(f"compare: nobody listens at {path}") from None
            time.sleep(0.001)


def _prepare(ram):
    """One request: header, 4 KiB to be written by the device, status."""
    for index, (at, length, flags) in enumerate(((HEADER, 16, NEXT), (DATA, 4096, NEXT | WRITE), (STATUS, 1, WRITE))):
        struct.pack_into("<QIHH", ram, DESC + 16 * index, GPA + at, length, flags, index + 1)
    ram[STATUS] = 0xFF
    struct.pack_into("<HHH", ram, AVAIL, 0, 1, 0)  # flags, idx, ring[0]


def _start(peer, memory, kick, call):
    features = _ask(peer, GET_FEATURES)
    _send(peer, SET_OWNER)
    if features & F_PROTOCOL_FEATURES:
        _ask(peer, GET_PROTOCOL_FEATURES)
        _send(peer, SET_PROTOCOL_FEATURES, struct.pack("<Q", 0))
    _send(peer, SET_FEATURES, struct.pack("<Q", features & (F_VERSION_1 | F_PROTOCOL_FEATURES)))
    _send(peer, SET_MEM_TABLE, struct.pack("<IIQQQQ", 1, 0, GPA, MEMORY_BYTES, USER, 0), [memory])
    _send(peer, SET_VRING_NUM, struct.pack("<II", 0, QUEUE_SIZE))
    _send(peer, SET_VRING_BASE, struct.pack("<II", 0, 0))
    _send(peer, SET_VRING_ADDR, struct.pack("<IIQQQQ", 0, 0, USER + DESC, USER + USED, USER + AVAIL, 0))
    _send(peer, SET_VRING_CALL, struct.pack("<Q", 0), [call])
    _send(peer, SET_VRING_KICK, struct.pack("<Q", 0), [kick])
    if features & F_PROTOCOL_FEATURES:
        _send(peer, SET_VRING_ENABLE, struct.pack("<II", 0, 1))


def _send(peer, request, payload=b"", fds=()):
    message = struct.pack("<III", request, VERSION, len(payload)) + payload
    socket.send_fds(peer, [message], list(fds))


def _ask(peer, request):
    _send(peer, request)
    _, flags, size = struct.unpack("<III", peer.recv(12, socket.MSG_WAITALL))
    assert flags & REPLY and size == 8
    return struct.unpack("<Q", peer.recv(8, socket.MSG_WAITALL))[0]
