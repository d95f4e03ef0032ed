"""A signer as a security module is one: the private key is in a process of its own, which is asked over a pipe.

Run as a module it is that process: it tells its public key, then answers each message (its length in 4 bytes, and the
message) with 64 bytes.
"""

import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mirabelle.rules import frame

ROOT = Path(__file__).parents[1]


class ProcessSigner(AbstractContextManager["ProcessSigner"]):
    """Signs by asking the process that holds the key."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.signer_process"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._turn = threading.Lock()
        self.public_key = self._answer(32)
        self.signed = 0

    @cached_property
    def key_id(self) -> bytes:
        """What frames call the key."""
        return frame.key_id(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The signature; raises OSError where the process is gone."""
        with self._turn:
            assert self._process.stdin is not None
            self._process.stdin.write(len(message).to_bytes(4, "big") + message)
            self._process.stdin.flush()
            self.signed += 1
            return self._answer(64)

    def _answer(self, size: int) -> bytes:
        assert self._process.stdout is not None
        answer = self._process.stdout.read(size)
        if len(answer) != size:
            raise OSError("the signer is gone")
        return answer

    def __exit__(self, *_fault: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def main() -> None:
    """Make a key, and sign until nobody asks any more."""
    key, asked, answers = Ed25519PrivateKey.generate(), sys.stdin.buffer, sys.stdout.buffer
    answers.write(key.public_key().public_bytes_raw())
    answers.flush()
    while size := asked.read(4):
        answers.write(key.sign(asked.read(int.from_bytes(size, "big"))))
        answers.flush()


if __name__ == "__main__":
    main()
