# SPDX-License-Identifier: MIT
"""A client of QEMU's gdb stub: stop, look, change, go on. For machines of one hart."""
import socket

PC = 32
REGISTERS = {f"x{i}": i for i in range(32)}
REGISTERS.update(sp=2, ra=1, a0=10, a1=11, pc=PC)
CHUNK = 1024                    # bytes of memory in one packet
BREAKPOINT, WRITE_WATCHPOINT = 1, 2


class GdbError(Exception):
    """The stub refuses something, or does not answer."""


class Gdb:
    """Connected to a machine that was started with -S: it stands still at first."""

    def __init__(self, connection, timeout=100):
        connection.settimeout(timeout)
        self.connection = connection
        self.data = b""
        # Before it is asked for this, the stub does not give single registers.
        self.command("qXfer:features:read:target.xml:0,ffb")

    def _byte(self):
        if not self.data:
            try:
                self.data = self.connection.recv(65536)
            except socket.timeout as error:
                raise GdbError("the stub does not answer") from error
            if not self.data:
                raise GdbError("the stub has closed the connection")
        first, self.data = self.data[:1], self.data[1:]
        return first

    def _receive(self):
        """The next packet; acknowledgements on the way are passed over."""
        while self._byte() != b"$":
            pass
        packet = b""
        while (byte := self._byte()) != b"#":
            packet += byte
        self._byte()
        self._byte()
        self.connection.sendall(b"+")
        return packet.decode()

    def _send(self, text):
        checksum = sum(text.encode()) & 0xFF
        self.connection.sendall(f"${text}#{checksum:02x}".encode())

    def command(self, text):
        self._send(text)
        answer = self._receive()
        if answer.startswith("E"):
            raise GdbError(f"{text[:40]}: {answer}")
        return answer

    def read(self, address, length):
        data = b""
        while len(data) < length:
            count = min(CHUNK, length - len(data))
            data += bytes.fromhex(self.command(f"m{address + len(data):x},{count:x}"))
        return data

    def write(self, address, data):
        for at in range(0, len(data), CHUNK):
            chunk = data[at:at + CHUNK]
            self.command(f"M{address + at:x},{len(chunk):x}:{chunk.hex()}")

    def read_physical(self, address, length):
        """As a hart would, and so from the registers of devices as well."""
        self.command("Qqemu.PhyMemMode:1")
        data = self.read(address, length)
        self.command("Qqemu.PhyMemMode:0")
        return data

    def write_physical(self, address, data):
        self.command("Qqemu.PhyMemMode:1")
        self.write(address, data)
        self.command("Qqemu.PhyMemMode:0")

    def register(self, name):
        return int.from_bytes(bytes.fromhex(self.command(f"p{REGISTERS[name]:x}")), "little")

    def set_register(self, name, value):
        self.command(f"P{REGISTERS[name]:x}={value.to_bytes(8, 'little').hex()}")

    def go(self):
        """Let the machine run, and do not wait for it to stop."""
        self._send("c")

    def wait_stop(self):
        answer = self._receive()
        if not answer.startswith(("T", "S")):
            raise GdbError(f"the machine ended ({answer}) where it should have stopped")
        return answer

    def step(self):
        self._send("s")
        self.wait_stop()

    def run_to(self, address, kind=BREAKPOINT, length=4):
        """Run up to an instruction, or up to a store to `length` bytes of memory."""
        self.command(f"Z{kind},{address:x},{length:x}")
        self.go()
        self.wait_stop()
        self.command(f"z{kind},{address:x},{length:x}")

    def interrupt(self):
        self.connection.sendall(b"\x03")
        return self.wait_stop()

    def close(self):
        self.connection.close()
