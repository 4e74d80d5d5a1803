-- More ways in, a name that the person gave, a pause, and who was refused. SQLite can't change a CHECK, so the table is
-- made anew, and before it the one that refers to it: dropping connections while families refer to them would delete
-- those.
CREATE TABLE connections_new (
    id           TEXT PRIMARY KEY,
    client       TEXT REFERENCES clients (id),
    app          TEXT NOT NULL,
    app_id       TEXT,
    computer     TEXT NOT NULL,
    method       TEXT NOT NULL CHECK (method IN ('oauth', 'bridge', 'device', 'access_key')),
    scope        TEXT NOT NULL,
    resource     TEXT NOT NULL,
    program      TEXT,
    connected_on INTEGER NOT NULL,
    last_active  INTEGER,
    revoked_on   INTEGER,
    listing      TEXT NOT NULL DEFAULT 'auto' CHECK (listing IN ('auto', 'full', 'compact')),
    -- What the person calls it; NULL for the app and the computer.
    name         TEXT,
    -- Since when the person lets none of its calls pass.
    paused_on    INTEGER,
    -- Whether the person cut the app off and has not asked it back since: it is turned away without a question.
    refused      INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1))
) STRICT;

INSERT INTO connections_new (id, client, app, app_id, computer, method, scope, resource, program, connected_on,
    last_active, revoked_on, listing)
SELECT id, client, app, app_id, computer, method, scope, resource, program, connected_on, last_active, revoked_on,
    listing FROM connections;

CREATE TABLE families_new (
    connection   TEXT PRIMARY KEY REFERENCES connections_new (id) ON DELETE CASCADE,
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    number       INTEGER NOT NULL,
    issued_on    INTEGER NOT NULL,
    access_until INTEGER NOT NULL,
    scope        TEXT NOT NULL
) STRICT;

INSERT INTO families_new (connection, id, number, issued_on, access_until, scope)
SELECT connection, id, number, issued_on, access_until, scope FROM families;

DROP TABLE families;
DROP TABLE connections;
ALTER TABLE connections_new RENAME TO connections;
ALTER TABLE families_new RENAME TO families;

CREATE INDEX connections_by_client ON connections (client);

-- No key: what is kept of one is a keyed hash, and the key of that hash is not in this file.
CREATE TABLE access_keys (
    connection TEXT PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    -- From when on it lets nobody in any more; NULL for one without an end.
    ends       INTEGER
) STRICT;
