-- The log of what happened. Holds no arguments, no results and no secrets.

CREATE TABLE activity (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    connection TEXT,
    service    TEXT,
    tool       TEXT,
    millis     INTEGER,
    outcome    TEXT NOT NULL,
    -- The outbox row it came from: one that is moved twice, after a crash in between, is kept once.
    outbox     INTEGER UNIQUE
) STRICT;
