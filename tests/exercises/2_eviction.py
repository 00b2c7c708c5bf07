"""Exercise 2: drop a peer that has been silent for too long."""

from peer import solution


class Node(solution("1_liveness")):
    def routines(self):
        return [(self.timeout / 10, self.evict), *super().routines()]

    def evict(self):
        for peer in list(self.peers):
            if self.now() - self.peers[peer] > self.timeout:
                del self.peers[peer]


if __name__ == "__main__":
    Node().run()
