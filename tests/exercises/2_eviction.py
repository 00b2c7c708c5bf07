"""Exercise 2: drop a peer that has been silent for too long."""

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


if __name__ == "__main__":
    Node().run()
