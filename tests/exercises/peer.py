"""What the seven solutions share: their arguments, one socket, the six fields, and a clock. Each goes on where the one before
it ends."""

import argparse
import importlib.util
import pathlib
import socket
import time

import msgpack


def solution(name):
    """The node of another solution, whose file has a name that `import` does not take."""
    path = pathlib.Path(__file__).with_name(name + ".py")
    spec = importlib.util.spec_from_file_location("solution", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Node


class Peer:
    def __init__(self):
        arguments = argparse.ArgumentParser()
        arguments.add_argument("port", type=int, help="this node's own port")
        arguments.add_argument("peers", type=int, nargs="*", help="ports of nodes to begin with")
        arguments.add_argument("--ping", type=float, default=5, help="seconds from one PING to the next")
        arguments.add_argument("--timeout", type=float, default=10, help="seconds of silence after which a peer is dropped")
        given = arguments.parse_args()
        self.port, self.interval, self.timeout = given.port, given.ping, given.timeout
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", self.port))
        self.last_id = 0
        self.peers = {peer: self.now() for peer in given.peers}  # port: when it was last heard

    def now(self):
        return time.monotonic()

    def new_id(self):
        self.last_id += 1
        return self.last_id

    def send(self, to, msg_type, msg_id, originator=None, ttl=0, data=None):
        """Sends one message; without an originator it is this node's own."""
        message = {
            "msg_type": msg_type,
            "msg_id": msg_id,
            "msg_forwarder": self.port,
            "msg_originator": originator or self.port,
            "ttl": ttl,
            "data": data,
        }
        self.socket.sendto(msgpack.packb(message), ("127.0.0.1", to))

    def routines(self):
        """What is done by the clock: pairs of an interval in seconds and a function."""
        return []

    def hear(self, sender, message):
        """What is done with a message; `sender` is the port it came from."""

    def run(self):
        due = [[self.now(), seconds, routine] for seconds, routine in self.routines()]
        while True:
            for entry in due:
                if entry[0] <= self.now():
                    entry[0] = self.now() + entry[1]
                    entry[2]()
            self.socket.settimeout(max(0.001, min(at for at, _, _ in due) - self.now()))
            try:
                datagram, (_, sender) = self.socket.recvfrom(2048)
            except TimeoutError:
                continue
            self.hear(sender, msgpack.unpackb(datagram))
