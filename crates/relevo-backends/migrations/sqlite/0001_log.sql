-- The log, and what is kept beside it.
--
-- Ids are TEXT in their usual spelling: the same in SQL, JSON and logs, and they pass through json_each unchanged.
-- Times are microseconds since 1970. JSON columns hold what serde writes.

-- A rowid table: appending at its end is what SQLite does fastest.
CREATE TABLE log (
    position     INTEGER PRIMARY KEY,
    conversation TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    event        TEXT NOT NULL,
    UNIQUE (conversation, seq)
) STRICT;

-- Each conversation's state after its last fact, and the columns by which lists choose and order.
CREATE TABLE conversations (
    id            TEXT PRIMARY KEY,
    version       INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    contact       TEXT NOT NULL,
    inbox         TEXT NOT NULL,
    status        TEXT NOT NULL,
    holder        TEXT NOT NULL,
    agent         TEXT,
    team          TEXT,
    -- The window's end while the visitor waits, else the end of time; likewise waiting_since: plain columns then give
    -- the orders of lists, and an index can follow them.
    answer_by     INTEGER NOT NULL,
    waiting_since INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    -- What this conversation's rows of `marks` were made from.
    marks         TEXT NOT NULL,
    state         TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX conversations_changed ON conversations (position);
CREATE INDEX conversations_contact ON conversations (contact, created_at);
CREATE INDEX conversations_due ON conversations (status, answer_by, waiting_since, position DESC);
CREATE INDEX conversations_newest ON conversations (status, position);
-- Counting reads nothing but this.
CREATE INDEX conversations_views ON conversations (status, holder, agent, team, id);

-- Who and what a conversation is marked with: participant, mention, label.
CREATE TABLE marks (
    kind         TEXT NOT NULL,
    value        TEXT NOT NULL,
    conversation TEXT NOT NULL,
    PRIMARY KEY (kind, value, conversation)
) STRICT, WITHOUT ROWID;
CREATE INDEX marks_conversation ON marks (conversation);

CREATE TABLE threads (
    inbox        TEXT NOT NULL,
    contact      TEXT NOT NULL,
    conversation TEXT NOT NULL,
    PRIMARY KEY (inbox, contact)
) STRICT, WITHOUT ROWID;

CREATE TABLE dedupe (
    scope        TEXT NOT NULL,
    key          TEXT NOT NULL,
    conversation TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- A claim moves `due` to its end, so that "due again" and "free again" are one question.
CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL,
    lane         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    due          INTEGER NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_line ON jobs (lane, conversation, id);
CREATE INDEX jobs_due ON jobs (lane, due);

CREATE TABLE contacts (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    name        TEXT,
    email       TEXT,
    phone       TEXT,
    verified    INTEGER NOT NULL,
    external_id TEXT,
    attributes  TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    -- Under which it is found.
    words       TEXT NOT NULL
) STRICT;
CREATE INDEX contacts_external_id ON contacts (external_id) WHERE external_id IS NOT NULL;

CREATE TABLE visitors (
    token_hash TEXT PRIMARY KEY,
    contact    TEXT NOT NULL REFERENCES contacts (id),
    inbox      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX visitors_contact ON visitors (contact, inbox);

CREATE TABLE artifacts (
    id           TEXT PRIMARY KEY,
    artifact     TEXT NOT NULL,
    conversation TEXT NOT NULL GENERATED ALWAYS AS (artifact ->> 'conversation') VIRTUAL,
    created_at   INTEGER NOT NULL GENERATED ALWAYS AS (artifact ->> 'created_at') VIRTUAL,
    status       TEXT NOT NULL GENERATED ALWAYS AS (artifact ->> 'status') VIRTUAL
) STRICT;
CREATE INDEX artifacts_conversation ON artifacts (conversation, created_at);
CREATE INDEX artifacts_running ON artifacts (status) WHERE status = 'running';

CREATE TABLE agents (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    email         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL,
    teams         TEXT NOT NULL,
    skills        TEXT NOT NULL,
    languages     TEXT NOT NULL,
    presence      TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    agent      TEXT NOT NULL REFERENCES agents (id),
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_agent ON sessions (agent);

CREATE TABLE drafts (
    agent        TEXT NOT NULL REFERENCES agents (id),
    conversation TEXT NOT NULL,
    mode         TEXT NOT NULL,
    text         TEXT NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (agent, conversation, mode)
) STRICT, WITHOUT ROWID;

-- The words of what was said, by position in the log, and of contacts, by number. They come in as `store::words` gives
-- them, without accents and case, so that every store finds the same; `ascii` leaves them as they are. No text is kept
-- twice (content = ''), and queries ask for single words only (detail = 'none').
CREATE VIRTUAL TABLE said USING fts5 (
    words, content = '', detail = 'none', columnsize = 0, prefix = '2 3', tokenize = 'ascii'
);
CREATE VIRTUAL TABLE contact_words USING fts5 (
    words, content = '', contentless_delete = 1, detail = 'none', prefix = '2 3', tokenize = 'ascii'
);
CREATE TRIGGER contacts_added AFTER INSERT ON contacts BEGIN
    INSERT INTO contact_words (rowid, words) VALUES (new.number, new.words);
END;
CREATE TRIGGER contacts_changed AFTER UPDATE OF words ON contacts BEGIN
    DELETE FROM contact_words WHERE rowid = old.number;
    INSERT INTO contact_words (rowid, words) VALUES (new.number, new.words);
END;
