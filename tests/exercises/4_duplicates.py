"""Exercise 4: send a new PRIME on to the other peers, and one that was seen before no more."""

from peer import Peer


class Node(Peer):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def routines(self):
        return [(self.timeout / 10, self.evict), (self.interval, self.ping_all)]

    def evict(self):
        for peer in list(self.peers):
            if self.now() - self.peers[peer] > self.timeout:
                del self.peers[peer]

    def ping_all(self):
        for peer in self.peers:
            self.send(peer, "PING", self.new_id())

    def hear(self, sender, message):
        self.peers[sender] = self.now()
        if message["msg_type"] == "PING":
            self.answer(sender, message)
        elif message["msg_type"] == "PRIME" and self.is_new(message):
            self.forward(sender, message)

    def answer(self, sender, ping):
        self.send(sender, "PONG", ping["msg_id"])

    def is_new(self, message):
        name = (message["msg_originator"], message["msg_id"])
        is_new = name not in self.seen
        self.seen.add(name)
        return is_new

    def forward(self, sender, prime):
        if prime["ttl"] > 0:
            for peer in self.peers:
                if peer != sender:
                    self.send(peer, "PRIME", prime["msg_id"], prime["msg_originator"], prime["ttl"] - 1, prime["data"])


if __name__ == "__main__":
    Node().run()
