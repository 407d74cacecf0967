"""What is changed in the proxy while the load goes on: its configuration is read anew, again and
again, and what it read from files is another thing each time.

Nobody of the load may notice: each answer is still the right one. One configuration in four is not
valid and must change nothing.
"""

import asyncio
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import trustme

from benchmarks.processes import Running

WRONG = 'nonsense = "yes"\n'
MORE = '[services.more{number}]\nurl = "http://127.0.0.1:9"\ncredentials = "none"\n'
LISTENER = '[listeners.more]\nlisten = "127.0.0.1:0"\n'


@dataclass(slots=True)
class Rotation:
    """Changes the files of one proxy, and tells it."""

    config: Path
    ca_file: Path
    done: int = 0
    """How often the proxy was told."""
    _first: str = field(init=False)
    _authorities: str = field(init=False)

    def __post_init__(self) -> None:
        self._first = self.config.read_text()
        self._authorities = self.ca_file.read_text()

    async def go_on(self, proxy: Running, every_s: float) -> None:
        """Until it is cancelled; by SIGHUP, as an operator would."""
        for _ in self._changes():
            await asyncio.sleep(every_s)
            proxy.process.send_signal(signal.SIGHUP)
            self.done += 1

    def _changes(self) -> Iterator[None]:
        for number in count():
            match number % 4:
                case 0:
                    self._write(self.config, self._first + MORE.format(number=number))
                case 1:
                    self._write(self.config, WRONG + self._first)
                case 2:
                    another = trustme.CA().cert_pem.bytes().decode()
                    self._write(self.ca_file, another + self._authorities)
                    self._write(self.config, self._first + LISTENER)
                case _:
                    self._write(self.config, self._first)
            yield

    @staticmethod
    def _write(file: Path, text: str) -> None:
        """In one step: whoever reads gets the old text or the new one."""
        new = file.with_name(f"{file.name}.new")
        new.write_text(text)
        new.replace(file)
