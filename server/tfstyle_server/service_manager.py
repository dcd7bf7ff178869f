"""What systemd is told of the server, where it runs as a unit of `Type=notify`: sd_notify(3).

Elsewhere NOTIFY_SOCKET is not set, and nothing is told to anyone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

log = logging.getLogger("tfstyle.front")


@dataclass(frozen=True)
class ServiceManager:
    """The service manager that has started this process, if any has.

    `address` is the path of a Unix datagram socket, beginning with @ where the name is abstract, or empty. The manager
    ends the process if it is silent for `watchdog_seconds`, or never where that is 0.
    """

    address: str = ""
    watchdog_seconds: float = 0.0

    @staticmethod
    def of(environment: Mapping[str, str]) -> ServiceManager:
        """The one that `environment` names: NOTIFY_SOCKET, WATCHDOG_USEC, and WATCHDOG_PID where it is this process."""
        address = environment.get("NOTIFY_SOCKET", "")
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watched = bool(address) and meant and microseconds.isdecimal()
        return ServiceManager(address, int(microseconds) / 1e6 if watched else 0.0)

    def tell(self, **states: object) -> None:
        """Tell the manager, such as `tell(READY=1, STATUS="one line")`. One that cannot be reached is no error."""
        if not self.address:
            return
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        message = "\n".join(f"{state}={value}" for state, value in states.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(message.encode(), name)
        except OSError as error:
            log.debug("the service manager cannot be told %s: %s", message, error)

    async def keep_alive(self) -> None:
        """Tell the manager for ever that the event loop turns, twice as often as it asks for; return if it does not."""
        while self.watchdog_seconds:
            self.tell(WATCHDOG=1)
            await asyncio.sleep(self.watchdog_seconds / 2)
