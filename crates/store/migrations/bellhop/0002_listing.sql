-- How the tools of all services are shown to a connection's app.
ALTER TABLE connections ADD COLUMN listing TEXT NOT NULL DEFAULT 'auto' CHECK (listing IN ('auto', 'full', 'compact'));
