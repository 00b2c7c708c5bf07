//! What each kind of adversary does, seen from outside.
