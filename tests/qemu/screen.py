# SPDX-License-Identifier: MIT
"""What a terminal would show."""


class Screen:
    """As much of a terminal as the kernel counts on: carriage return, newline, backspace."""

    def __init__(self):
        self.lines, self.column = [""], 0

    def put(self, data):
        for character in data.decode("latin-1"):
            if character == "\r":
                self.column = 0
            elif character == "\n":
                self.lines.append("")
                self.column = 0
            elif character == "\b":
                self.column = max(0, self.column - 1)
            else:
                line = self.lines[-1].ljust(self.column)
                self.lines[-1] = line[:self.column] + character + line[self.column + 1:]
                self.column += 1

    def text(self):
        return "\n".join(line.rstrip() for line in self.lines)


def render(data):
    screen = Screen()
    screen.put(data)
    return screen.text()
