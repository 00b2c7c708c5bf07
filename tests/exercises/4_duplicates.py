"""Exercise 4: send a new PRIME on to the other peers, and one that was seen before no more."""

from peer import solution


class Node(solution("3_pong")):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def hear(self, sender, message):
        super().hear(sender, message)
        if message["msg_type"] == "PRIME" and self.is_new(message):
            self.process(sender, message)

    def is_new(self, message):
        name = (message["msg_originator"], message["msg_id"])
        is_new = name not in self.seen
        self.seen.add(name)
        return is_new

    def process(self, sender, prime):
        """What is done with a PRIME that was not seen before."""
        self.forward(sender, prime)

    def forward(self, sender, prime):
        if prime["ttl"] > 0:
            for peer in self.receivers(sender, prime):
                self.send(peer, "PRIME", prime["msg_id"], prime["msg_originator"], prime["ttl"] - 1, prime["data"])

    def receivers(self, sender, prime):
        return [peer for peer in self.peers if peer != sender]


if __name__ == "__main__":
    Node().run()
