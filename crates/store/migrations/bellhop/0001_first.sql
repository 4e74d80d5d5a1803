-- How to find the vault's key again, and tell it from a wrong one. No secret.
CREATE TABLE vault (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    record TEXT NOT NULL
) STRICT;

CREATE TABLE services (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    title      TEXT NOT NULL,
    url        TEXT NOT NULL,
    catalogue  TEXT,
    account    TEXT,
    method     TEXT NOT NULL CHECK (method IN ('oauth', 'none')),
    created_on INTEGER NOT NULL,
    inventory  TEXT
) STRICT;

-- The BLOBs are sealed, each bound to its column, row, generation, issuer and addresses.
CREATE TABLE credentials (
    id                  TEXT PRIMARY KEY,
    service             TEXT NOT NULL UNIQUE REFERENCES services (id) ON DELETE CASCADE,
    generation          INTEGER NOT NULL,
    issuer              TEXT NOT NULL,
    token_endpoint      TEXT NOT NULL,
    revocation_endpoint TEXT,
    client_id           TEXT NOT NULL,
    client_auth         TEXT NOT NULL CHECK (client_auth IN ('none', 'basic', 'post')),
    client_secret       BLOB,
    management_uri      TEXT,
    management_token    BLOB,
    resource            TEXT,
    access              BLOB NOT NULL,
    refresh             BLOB,
    expires_at          INTEGER,
    lifetime            INTEGER,
    scope               TEXT,
    sent_at             INTEGER,
    needs_sign_in       TEXT,
    CHECK ((management_uri IS NULL) = (management_token IS NULL))
) STRICT;

CREATE TABLE clients (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    registered_on INTEGER NOT NULL,
    used          INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1))
) STRICT;

CREATE TABLE connections (
    id           TEXT PRIMARY KEY,
    client       TEXT REFERENCES clients (id),
    app          TEXT NOT NULL,
    app_id       TEXT,
    computer     TEXT NOT NULL,
    method       TEXT NOT NULL CHECK (method IN ('oauth', 'bridge')),
    scope        TEXT NOT NULL,
    resource     TEXT NOT NULL,
    program      TEXT,
    connected_on INTEGER NOT NULL,
    last_active  INTEGER,
    revoked_on   INTEGER
) STRICT;

CREATE INDEX connections_by_client ON connections (client);

-- No token: all of a connection's tokens follow from its family's id, the number and a key.
CREATE TABLE families (
    connection   TEXT PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    number       INTEGER NOT NULL,
    issued_on    INTEGER NOT NULL,
    access_until INTEGER NOT NULL,
    scope        TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- What activity.db is still to learn: written in the transaction of the change it speaks of.
CREATE TABLE outbox (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    once       BLOB NOT NULL UNIQUE CHECK (length(once) = 16),
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    connection TEXT,
    service    TEXT,
    outcome    TEXT NOT NULL
) STRICT;
