-- When tokens were asked for, and how long their refresh token may lie unused, in seconds, where the server said.
ALTER TABLE credentials ADD COLUMN issued_at INTEGER;
ALTER TABLE credentials ADD COLUMN refresh_lifetime INTEGER;
