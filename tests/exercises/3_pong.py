"""Exercise 3: answer a PING with a PONG of the same number."""

from peer import Peer


class Node(Peer):
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

    def answer(self, sender, ping):
        self.send(sender, "PONG", ping["msg_id"])


if __name__ == "__main__":
    Node().run()
