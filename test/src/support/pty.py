"""Runs a command in a pseudo-terminal, types into it, and prints what came out as JSON.

usage: pty.py PLAN COMMAND ARGUMENT…
PLAN: {"columns": 80, "deadlineSeconds": 60, "quietSeconds": 0, "steps": [{"expect": "text", "send": "\u0003"}, …]}
A step waits until "expect" has come since the step before and nothing else has for "quietSeconds", then types "send", or
sends "signal" to the command.
"""

import fcntl
import json
import os
import select
import signal
import struct
import sys
import termios
import time


def main():
    plan = json.loads(sys.argv[1])
    child, terminal = os.forkpty()
    if child == 0:
        os.execvp(sys.argv[2], sys.argv[2:])
    size = struct.pack("HHHH", plan.get("rows", 24), plan.get("columns", 80), 0, 0)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
    steps = list(plan.get("steps", []))
    end = time.monotonic() + plan.get("deadlineSeconds", 60)
    output = b""
    seen = 0
    timed_out = False
    quiet = plan.get("quietSeconds", 0)
    last_output = time.monotonic()
    while True:
        expected = steps[0].get("expect", "").encode() if steps else b""
        if steps and expected in output[seen:] and time.monotonic() - last_output >= quiet:
            step = steps.pop(0)
            seen = output.index(expected, seen) + len(expected)
            if "signal" in step:
                os.kill(child, getattr(signal, step["signal"]))
            os.write(terminal, step.get("send", "").encode())
        left = end - time.monotonic()
        if left <= 0:
            timed_out = True
            os.kill(child, signal.SIGKILL)
            break
        if not select.select([terminal], [], [], min(left, 0.05))[0]:
            continue
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        output += chunk
        last_output = time.monotonic()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"output": output.decode(errors="replace"), "code": code, "timedOut": timed_out}))


main()
