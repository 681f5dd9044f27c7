"""Runs a program on a terminal of its own and types for a person.

usage: terminal.py COLUMNS PROGRAM [ARGUMENT]...

Standard input is a JSON array of steps: a text to wait for on the screen, in what was written since
the last step, and the keys to type when it is there. Prints JSON: all that the terminal showed, and
the exit status, 128 + N for a program that signal N ended, or null for one that is still running.
"""

import fcntl, json, os, pty, select, struct, sys, termios, time

columns, program = int(sys.argv[1]), sys.argv[2:]
steps = json.load(sys.stdin)
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    os.execv(program[0], program)

screen = b""


def show(until, seconds):
    """Reads until the condition holds; False where it never does."""
    global screen
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            return False
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                screen += os.read(terminal, 65536)
            except OSError:  # nobody has it open any more
                time.sleep(0.02)
    return True


failed = None
seen = 0
for awaited, keys in steps:
    if not show(lambda: awaited.encode() in screen[seen:], 20):
        failed = awaited
        break
    seen = len(screen)
    os.write(terminal, keys.encode())
status = None


def ended():
    global status
    pid, code = os.waitpid(child, os.WNOHANG) if status is None else (child, 0)
    if pid and status is None:
        status = os.waitstatus_to_exitcode(code)
        status = 128 - status if status < 0 else status
    return status is not None


show(ended, 2 if failed is not None else 20)
show(lambda: False, 0.1)
if status is None:
    os.kill(child, 9)
json.dump({"screen": screen.decode("utf-8", "replace"), "status": status, "missed": failed}, sys.stdout)
