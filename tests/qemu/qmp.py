# SPDX-License-Identifier: MIT
"""A client of QEMU's machine protocol: one command at a time, events kept."""
import json
import socket


class QmpError(Exception):
    """QEMU refuses a command, or is gone."""


class Qmp:
    def __init__(self, connection, timeout=100):
        connection.settimeout(timeout)
        self.connection = connection
        self.stream = connection.makefile("rwb")
        self.events = []
        self._receive()                 # the greeting
        self.command("qmp_capabilities")

    def _receive(self):
        try:
            line = self.stream.readline()
        except (socket.timeout, ConnectionError) as error:
            raise QmpError(f"no answer: {error}") from error
        if not line:
            raise QmpError("QEMU has closed the connection")
        return json.loads(line)

    def _receive_answer(self):
        while True:
            message = self._receive()
            if "event" not in message:
                return message
            self.events.append(message)

    def command(self, name, **arguments):
        """The command's return value."""
        text = json.dumps({"execute": name, "arguments": arguments})
        try:
            self.stream.write(text.encode() + b"\n")
            self.stream.flush()
        except OSError as error:
            raise QmpError(f"{name}: {error}") from error
        answer = self._receive_answer()
        if "error" in answer:
            raise QmpError(f"{name}: {answer['error']['desc']}")
        return answer["return"]

    def monitor(self, line):
        """What the human monitor prints for a line."""
        return self.command("human-monitor-command", **{"command-line": line})

    def wait_event(self, name):
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            message = self._receive()
            if "event" in message:
                self.events.append(message)

    def close(self):
        try:
            self.stream.close()
        except OSError:
            pass
        self.connection.close()
