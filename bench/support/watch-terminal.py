"""Runs a command in a pseudo-terminal for a while and prints what it cost, as JSON.

watch-terminal.py '{"columns": 120, "rows": 40, "patterns": ["Topology"], "settle": 5, "seconds": 20}' command ...

`milliseconds`: from the start until each pattern was first written; null: it never was. `coreShare` and
`bytesPerSecond`: after `settle` seconds, over `seconds`. `megabytes`: resident at the end, `highestMegabytes`: ever.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

plan = json.loads(sys.argv[1])
began = time.monotonic()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", plan["rows"], plan["columns"], 0, 0))
seen = {pattern: None for pattern in plan["patterns"]}
text = b""
written = 0


def processor_seconds():
    fields = open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(field):
    return int(re.search(rf"{field}:\s+(\d+) kB", open(f"/proc/{pid}/status").read()).group(1)) / 1000


def read_until(end):
    global text, written
    while time.monotonic() < end:
        if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
            continue
        chunk = os.read(terminal, 1 << 16)
        written += len(chunk)
        if any(found is None for found in seen.values()):
            text += chunk
            for pattern, found in seen.items():
                if found is None and re.search(pattern.encode(), text):
                    seen[pattern] = (time.monotonic() - began) * 1000


read_until(began + plan["settle"])
from_seconds, from_written, from_time = processor_seconds(), written, time.monotonic()
read_until(from_time + plan["seconds"])
elapsed = time.monotonic() - from_time
result = {
    "milliseconds": seen,
    "coreShare": (processor_seconds() - from_seconds) / elapsed,
    "bytesPerSecond": (written - from_written) / elapsed,
    "megabytes": megabytes("VmRSS"),
    "highestMegabytes": megabytes("VmHWM"),
}
os.kill(pid, signal.SIGTERM)
read_end = time.monotonic() + 5
try:
    while time.monotonic() < read_end and os.waitpid(pid, os.WNOHANG)[0] == 0:
        if select.select([terminal], [], [], 0.05)[0]:
            os.read(terminal, 1 << 16)
except OSError:
    pass
print(json.dumps(result))
