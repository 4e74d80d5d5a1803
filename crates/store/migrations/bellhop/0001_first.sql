-- What Bellhop must not lose. Columns named sealed_* hold ciphertext of the vault; see src/credentials.rs for
-- what each is bound to. Times are milliseconds since 1970, by the wall clock.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE service (
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

CREATE TABLE credential (
    id                       TEXT PRIMARY KEY,
    service                  TEXT NOT NULL UNIQUE REFERENCES service (id) ON DELETE CASCADE,
    generation               INTEGER NOT NULL,
    issuer                   TEXT NOT NULL,
    token_endpoint           TEXT NOT NULL,
    revocation_endpoint      TEXT,
    client_id                TEXT NOT NULL,
    client_auth              TEXT NOT NULL,
    sealed_client_secret     BLOB,
    management_uri           TEXT,
    sealed_management_token  BLOB,
    resource                 TEXT,
    sealed_access            BLOB NOT NULL,
    sealed_refresh           BLOB,
    expires_at               INTEGER,
    lifetime                 INTEGER,
    scope                    TEXT,
    -- A refresh of this generation was about to be sent then, and its end was not stored.
    refresh_sent_at          INTEGER,
    needs_sign_in            TEXT
) STRICT;

CREATE TABLE client (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    registered_on INTEGER NOT NULL,
    used          INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE connection (
    id           TEXT PRIMARY KEY,
    client       TEXT REFERENCES client (id) ON DELETE SET NULL,
    app          TEXT NOT NULL,
    computer     TEXT NOT NULL,
    method       TEXT NOT NULL CHECK (method IN ('oauth', 'bridge')),
    scope        TEXT NOT NULL,
    resource     TEXT NOT NULL,
    program      TEXT,
    connected_on INTEGER NOT NULL,
    last_active  INTEGER,
    revoked_on   INTEGER
) STRICT;

-- The tokens of a connection follow from these and a key; no token is stored.
CREATE TABLE family (
    connection   TEXT PRIMARY KEY REFERENCES connection (id) ON DELETE CASCADE,
    id           BLOB NOT NULL UNIQUE,
    number       INTEGER NOT NULL,
    issued_on    INTEGER NOT NULL,
    access_until INTEGER NOT NULL,
    scope        TEXT NOT NULL
) STRICT;

-- What must reach the activity log, written in the transaction of the change it speaks of.
CREATE TABLE outbox (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    connection TEXT,
    service    TEXT,
    outcome    TEXT NOT NULL
) STRICT;
