# SPDX-License-Identifier: MIT
"""A block device outside of QEMU, over vhost-user: an honest one, for dishonest ones to be made of.

It runs in a thread of its own and speaks the protocol of QEMU's docs/interop/vhost-user.rst with
-device vhost-user-blk. One thing QEMU does not let through: of the features only those that it knows
itself, and of a new configuration only the capacity.
"""
import array
import collections
import heapq
import os
import select
import socket
import struct
import threading
import time
import traceback

import vring

SECTOR = 512
T_IN, T_OUT, T_FLUSH, T_GET_ID, T_DISCARD, T_WRITE_ZEROES = 0, 1, 4, 8, 11, 13
S_OK, S_IOERR, S_UNSUPP = 0, 1, 2
CONFIG = struct.Struct("<QIIHBBIBBHIBBHIIIIIB3x")
CONFIG_FIELDS = """capacity size_max seg_max cylinders heads sectors blk_size physical alignment min_io opt_io writeback
                   unused num_queues max_discard_sectors max_discard_seg discard_sector_alignment
                   max_write_zeroes_sectors max_write_zeroes_seg may_unmap""".split()

F_BLOCK = sum(1 << bit for bit in (1, 2, 6, 9, 11, 13, 14))    # size_max seg_max blk_size flush wce discard write_zeroes
F_VERSION_1, F_PROTOCOL = 1 << 32, 1 << 30
FEATURES = F_BLOCK | F_VERSION_1 | F_PROTOCOL | vring.INDIRECT_DESC | vring.EVENT_IDX | vring.PACKED
P_MQ, P_REPLY_ACK, P_SLAVE_REQ, P_CONFIG = 1 << 0, 1 << 3, 1 << 5, 1 << 9

(GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE) = (1, 2, 3, 5)
(SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE, SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR) = range(8, 15)
(GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, GET_QUEUE_NUM, SET_VRING_ENABLE) = range(15, 19)
(SET_SLAVE_REQ_FD, GET_CONFIG, SET_CONFIG) = (21, 24, 25)
SLAVE_CONFIG_CHANGE = 2
VERSION, REPLY, NEED_REPLY = 1, 4, 8

Disk = collections.namedtuple("Disk", "arguments")


class Queue:
    """A ring, and what the front-end has said of it; `ring` is None while it is stopped."""

    def __init__(self):
        self.size, self.addresses, self.base = 0, (0, 0, 0), 0
        self.ring = self.kick = self.call = None


class Backend(threading.Thread):
    """A context manager, and in it a device that waits for QEMU at the socket `path`.

    content: what is on the disk, a bytearray. config: changed fields. features: what it offers.
    """

    def __init__(self, path, size=1 << 20, features=FEATURES, config=None):
        super().__init__(daemon=True)
        self.path, self.content, self.features = path, bytearray(size), features
        self.config = {**dict.fromkeys(CONFIG_FIELDS, 0), "capacity": size // SECTOR, "size_max": 1 << 20, "seg_max": 126,
                       "blk_size": SECTOR, "writeback": 1, "num_queues": 1, "max_discard_sectors": 1 << 16, "max_discard_seg": 1,
                       "max_write_zeroes_sectors": 1 << 16, "max_write_zeroes_seg": 1, "discard_sector_alignment": 1, **(config or {})}
        self.memory, self.queues, self.accepted = vring.Memory(), {}, 0
        self.connection = self.slave = self.crash = None
        self.timers, self.order = [], 0
        self.counts = collections.Counter()     # what it has seen and done
        self.faults = []                        # of the driver, and our own
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.stopped = os.eventfd(0, os.EFD_CLOEXEC)
        self.poll = select.poll()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        os.eventfd_write(self.stopped, 1)
        self.join()
        self.disconnect()
        self.listener.close()
        os.close(self.stopped)
        if self.crash:
            raise RuntimeError(f"the device has died of its own mistake:\n{self.crash}")

    def disk(self, device="", reconnect=False):
        """For a Machine's disks."""
        again = ",reconnect=1" if reconnect else ""
        properties = f",{device}" if device else ""
        return Disk(lambda name: ["-chardev", f"socket,id={name},path={self.path}{again}",
                                  "-device", f"vhost-user-blk,chardev={name}{properties}"])

    # The thread --------------------------------------------------------------------------------

    def run(self):
        try:
            self.wait_for_events()
        except Exception:               # our own mistake, which shall not look like the kernel's
            self.crash = traceback.format_exc()
            self.disconnect()

    def wait_for_events(self):
        for waited in (self.stopped, self.listener):
            self.poll.register(waited, select.POLLIN)
        while True:
            for fd, _ in self.poll.poll(self.patience()):
                if fd == self.stopped:
                    return
                try:
                    self.handle(fd)
                except (vring.Fault, ConnectionError) as fault:
                    self.faults.append(str(fault))
            self.run_timers()

    def handle(self, fd):
        if fd == self.listener.fileno():
            self.connection, _ = self.listener.accept()
            self.poll.register(self.connection, select.POLLIN)
            self.counts["connections"] += 1
        elif self.connection and fd == self.connection.fileno():
            self.receive()
        for queue in list(self.queues.values()):
            if queue.kick == fd:
                os.eventfd_read(fd)
                self.counts["kicks"] += 1
                self.serve(queue)

    def after(self, seconds, function):
        self.order += 1
        heapq.heappush(self.timers, (time.monotonic() + seconds, self.order, function))

    def patience(self):
        """Milliseconds until the next timer, rounded down: the last bit of it is waited for awake."""
        return max(0, int((self.timers[0][0] - time.monotonic()) * 1000)) if self.timers else None

    def run_timers(self):
        while self.timers and self.timers[0][0] <= time.monotonic():
            try:
                heapq.heappop(self.timers)[2]()
            except (vring.Fault, OSError):
                pass                    # it may be about a ring that has gone meanwhile

    # The protocol ------------------------------------------------------------------------------

    def disconnect(self):
        for queue in self.queues.values():
            self.stop_queue(queue)
            if queue.call is not None:
                os.close(queue.call)
            queue.call = None           # a timer may still know the queue
        self.queues = {}
        for end in (self.connection, self.slave):
            if end:
                end.close()
        self.connection = self.slave = None

    def receive(self):
        head, ancillary, _, _ = self.connection.recvmsg(12, socket.CMSG_SPACE(8 * 4))
        fds = array.array("i")
        for _, _, data in ancillary:
            fds.frombytes(data[:len(data) // 4 * 4])
        if len(head) < 12:
            self.poll.unregister(self.connection)
            self.disconnect()
            return
        number, flags, size = struct.unpack("<III", head)
        body = b""
        while len(body) < size:
            body += self.connection.recv(size - len(body))
        answer = self.obey(number, body, list(fds))
        if answer is None and flags & NEED_REPLY:
            answer = struct.pack("<Q", 0)
        if answer is not None and self.connection:
            self.connection.sendall(struct.pack("<III", number, VERSION | REPLY, len(answer)) + answer)

    def obey(self, number, body, fds):
        """What a message asks for; its answer, if it is to have one."""
        what = {GET_FEATURES: self.features, GET_QUEUE_NUM: 64,
                GET_PROTOCOL_FEATURES: P_CONFIG | P_REPLY_ACK | P_SLAVE_REQ | P_MQ}.get(number)
        if what is not None:
            return struct.pack("<Q", what)
        if number == SET_FEATURES:
            (self.accepted,) = struct.unpack("<Q", body)
        elif number == SET_MEM_TABLE:
            regions = [struct.unpack_from("<QQQQ", body, 8 + 32 * i) for i in range(struct.unpack_from("<I", body)[0])]
            self.memory.regions = [vring.Region(*region, fd) for region, fd in zip(regions, fds)]
        elif number == SET_SLAVE_REQ_FD:
            self.slave = socket.socket(fileno=fds[0])
        elif number == GET_CONFIG:
            offset, size, flags = struct.unpack_from("<III", body)
            return struct.pack("<III", offset, size, flags) + self.config_bytes().ljust(offset + size, b"\0")[offset:offset + size]
        elif number == SET_CONFIG:
            self.config["writeback"] = body[12]
        elif SET_VRING_NUM <= number <= SET_VRING_ERR or number == SET_VRING_ENABLE:
            return self.obey_queue(number, body, fds)
        return None

    def obey_queue(self, number, body, fds):
        index, value = struct.unpack_from("<II", body)
        queue = self.queues.setdefault(index & 0xFF, Queue())
        if number == SET_VRING_NUM:
            queue.size = value
        elif number == SET_VRING_BASE:
            queue.base = value
        elif number == SET_VRING_ADDR:
            descriptors, used, avail = struct.unpack_from("<QQQ", body, 8)
            queue.addresses = [self.memory.guest_address(user) for user in (descriptors, avail, used)]
        elif number == SET_VRING_CALL:
            if queue.call is not None:
                os.close(queue.call)
            queue.call = fds[0] if fds else None
        elif number == SET_VRING_KICK:
            self.start_queue(queue, fds[0])
        elif number == SET_VRING_ERR:
            for fd in fds:
                os.close(fd)
        elif number == GET_VRING_BASE:
            return struct.pack("<II", index, self.stop_queue(queue))
        return None

    def start_queue(self, queue, kick):
        queue.kick = kick
        kind = vring.Packed if self.accepted & vring.PACKED else vring.Split
        queue.ring = kind(self.memory, queue.size, self.accepted, queue.addresses, queue.base)
        self.poll.register(kick, select.POLLIN)
        self.counts["starts"] += 1
        self.serve(queue)

    def stop_queue(self, queue):
        """Where it would go on."""
        if queue.kick is not None:
            self.poll.unregister(queue.kick)
            os.close(queue.kick)
        ring, queue.kick, queue.ring = queue.ring, None, None
        return ring.next if ring else 0

    def config_bytes(self):
        return CONFIG.pack(*(self.config[field] for field in CONFIG_FIELDS))

    def change_capacity(self, sectors):
        """And tell, whether or not QEMU listens."""
        self.config["capacity"] = sectors
        if self.slave:
            self.slave.sendall(struct.pack("<III", SLAVE_CONFIG_CHANGE, VERSION, 0))

    # The device --------------------------------------------------------------------------------

    def serve(self, queue):
        ring = queue.ring
        while ring and queue.ring is ring:
            while ring.has_work():
                self.take(queue, ring.pop())
            ring.ask_for_notification()
            if not ring.has_work():
                return

    def take(self, queue, request):
        """Do what is asked for, and say so."""
        self.counts["requests"] += 1
        self.execute(request)
        self.answer(queue, request)

    def execute(self, request):
        request.set_status(self.status_of(request))

    def status_of(self, request):
        begin, end = request.sector * SECTOR, request.sector * SECTOR + request.length
        if request.reserved:
            raise vring.Fault(f"the header's reserved field is {request.reserved:#x}")
        if request.type in (T_IN, T_OUT) and (end > len(self.content) or request.length % SECTOR or not request.length):
            raise vring.Fault(f"type {request.type}: {request.length} bytes at sector {request.sector}")
        if request.type == T_IN:
            request.fill(self.content[begin:end])
        elif request.type == T_OUT:
            self.content[begin:end] = request.fetch()
        elif request.type == T_GET_ID:
            request.fill(b"vhost-user".ljust(request.length, b"\0"))
        elif request.type in (T_DISCARD, T_WRITE_ZEROES):
            for sector, sectors, _ in struct.iter_unpack("<QII", request.fetch()):
                self.content[sector * SECTOR:(sector + sectors) * SECTOR] = bytes(sectors * SECTOR)
        elif request.type != T_FLUSH:
            return S_UNSUPP
        return S_OK

    def answer(self, queue, request):
        if queue.ring:
            queue.ring.push(request)
            self.show(queue)

    def show(self, queue):
        if queue.ring.show():
            self.call(queue)

    def call(self, queue):
        """The interrupt."""
        if queue.call is not None:
            self.counts["calls"] += 1
            os.eventfd_write(queue.call, 1)
