-- When tokens were asked for, and how long their refresh token may lie unused, in seconds, where the server said.
ALTER TABLE credentials ADD COLUMN issued_at INTEGER;
ALTER TABLE credentials ADD COLUMN refresh_lifetime INTEGER;

-- What was done about the sign-ins of removed services. What is pending is sealed; it holds the secrets that are still
-- to be given back, and the addresses for that.
CREATE TABLE receipts (
    id         TEXT PRIMARY KEY,
    removed_on INTEGER NOT NULL,
    body       TEXT NOT NULL,
    pending    BLOB
) STRICT;
