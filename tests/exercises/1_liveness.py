"""Exercise 1: remember when each peer was last heard, and PING all of them."""

from peer import Peer


class Node(Peer):
    def routines(self):
        return [(self.interval, self.ping_all)]

    def ping_all(self):
        for peer in list(self.peers):
            self.send(peer, "PING", self.new_id())

    def hear(self, sender, message):
        self.peers[sender] = self.now()


if __name__ == "__main__":
    Node().run()
