"""What the console itself remembers: people, sessions, what they did, what they said. One SQLite file, not in the case."""
