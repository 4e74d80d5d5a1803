-- More ways to sign in. SQLite can't change a CHECK, so the two tables are made anew, the one that refers to the other
-- first: dropping a table of services while credentials refer to it would delete them.
CREATE TABLE services_new (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    title      TEXT NOT NULL,
    url        TEXT NOT NULL,
    catalogue  TEXT,
    account    TEXT,
    method     TEXT NOT NULL CHECK (method IN ('oauth', 'device', 'token', 'password', 'none')),
    created_on INTEGER NOT NULL,
    inventory  TEXT,
    -- The permissions that were asked for, separated by spaces; NULL when nobody said.
    asked      TEXT,
    -- What the provider may do against the rules, separated by spaces.
    exceptions TEXT NOT NULL DEFAULT ''
) STRICT;

INSERT INTO services_new (id, name, title, url, catalogue, account, method, created_on, inventory)
SELECT id, name, title, url, catalogue, account, method, created_on, inventory FROM services;

CREATE TABLE credentials_new (
    id                  TEXT PRIMARY KEY,
    service             TEXT NOT NULL UNIQUE REFERENCES services_new (id) ON DELETE CASCADE,
    generation          INTEGER NOT NULL,
    issuer              TEXT NOT NULL,
    token_endpoint      TEXT NOT NULL,
    revocation_endpoint TEXT,
    client_id           TEXT NOT NULL,
    client_auth         TEXT NOT NULL CHECK (client_auth IN ('none', 'basic', 'post')),
    client_secret       BLOB,
    -- Where the registration comes from: RFC 7591, a Client ID Metadata Document, or the person.
    client_source       TEXT NOT NULL DEFAULT 'registered' CHECK (client_source IN ('registered', 'document', 'given')),
    client_secret_ends  INTEGER,
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

INSERT INTO credentials_new (id, service, generation, issuer, token_endpoint, revocation_endpoint, client_id,
    client_auth, client_secret, management_uri, management_token, resource, access, refresh, expires_at, lifetime,
    scope, sent_at, needs_sign_in)
SELECT id, service, generation, issuer, token_endpoint, revocation_endpoint, client_id,
    client_auth, client_secret, management_uri, management_token, resource, access, refresh, expires_at, lifetime,
    scope, sent_at, needs_sign_in FROM credentials;

DROP TABLE credentials;
DROP TABLE services;
ALTER TABLE services_new RENAME TO services;
ALTER TABLE credentials_new RENAME TO credentials;

-- Secrets that nothing renews: API tokens and application passwords. The BLOB is sealed, bound to row, generation and
-- addresses.
CREATE TABLE fixed_credentials (
    id            TEXT PRIMARY KEY,
    service       TEXT NOT NULL UNIQUE REFERENCES services (id) ON DELETE CASCADE,
    generation    INTEGER NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('token', 'password')),
    -- The header that carries a token as it is; NULL for Authorization with the scheme Bearer.
    header        TEXT,
    -- Whose password it is.
    user          TEXT,
    secret        BLOB NOT NULL,
    -- When the person said that it ends.
    ends          INTEGER,
    -- Where a password can be deleted over REST.
    removal       TEXT,
    -- The provider's page where the person can do it.
    page          TEXT,
    needs_sign_in TEXT,
    CHECK ((kind = 'password') = (user IS NOT NULL))
) STRICT;
