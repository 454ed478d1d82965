-- Tickets that open a socket once. They are kept here, not in a server's memory, so that every server honours them.
CREATE TABLE tickets (
    token_hash TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    expires    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_expires ON tickets (expires);
