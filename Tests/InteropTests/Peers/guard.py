"""Runs a program that must not outlive its owner: `guard.py PROGRAM ARGUMENT...`.

The program ends when this process's standard input does, which happens also if the owner is killed.
"""

import ctypes
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
PATIENCE_SECONDS = 2


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main():
    child = subprocess.Popen(
        sys.argv[1:], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent
    )
    while sys.stdin.buffer.read(4096):
        pass
    child.terminate()
    try:
        child.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


main()
