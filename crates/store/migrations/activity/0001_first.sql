CREATE TABLE activity (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Of an entry that came through the outbox: so that a crash between the two files doubles nothing.
    once       BLOB UNIQUE,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    connection TEXT,
    service    TEXT,
    tool       TEXT,
    millis     INTEGER,
    outcome    TEXT NOT NULL
) STRICT;
