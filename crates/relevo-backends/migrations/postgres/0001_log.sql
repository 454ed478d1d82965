-- The log, and what is kept beside it: the tables of SQLite's 0001_log.sql, with PostgreSQL's types.
--
-- Times are microseconds since 1970. JSON columns are text, because what serde writes may hold \u0000, which jsonb
-- refuses.

-- The last position. Whoever appends locks this row until the commit, so that positions are gap-free and become visible
-- in order: a sequence's numbers would not, and followers would skip what was committed late.
CREATE TABLE head (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO head (position) VALUES (0);

CREATE TABLE log (
    position     bigint PRIMARY KEY,
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    at           bigint NOT NULL,
    actor        text NOT NULL,
    event        text NOT NULL,
    UNIQUE (conversation, seq)
);

CREATE TABLE conversations (
    id            uuid PRIMARY KEY,
    version       bigint NOT NULL,
    position      bigint NOT NULL,
    contact       uuid NOT NULL,
    inbox         text NOT NULL,
    status        text NOT NULL,
    holder        text NOT NULL,
    agent         uuid,
    team          text,
    -- The window's end while the visitor waits, else the end of time; likewise waiting_since.
    answer_by     bigint NOT NULL,
    waiting_since bigint NOT NULL,
    created_at    bigint NOT NULL,
    -- What this conversation's rows of `marks` were made from.
    marks         text NOT NULL,
    state         text NOT NULL
);
CREATE UNIQUE INDEX conversations_changed ON conversations (position);
CREATE INDEX conversations_contact ON conversations (contact, created_at);
CREATE INDEX conversations_due ON conversations (status, answer_by, waiting_since, position DESC);
CREATE INDEX conversations_newest ON conversations (status, position);
CREATE INDEX conversations_views ON conversations (status, holder, agent, team, id);
-- What is not finished is little among much. A page of it is read from its beginning, and not sorted out of all of it.
CREATE INDEX conversations_live ON conversations (answer_by, waiting_since, position DESC)
    WHERE status IN ('open', 'pending');
CREATE INDEX conversations_live_newest ON conversations (position) WHERE status IN ('open', 'pending');

-- Who and what a conversation is marked with: participant, mention, label.
CREATE TABLE marks (
    kind         text NOT NULL,
    value        text NOT NULL,
    conversation uuid NOT NULL,
    PRIMARY KEY (kind, value, conversation)
);
CREATE INDEX marks_conversation ON marks (conversation);

CREATE TABLE threads (
    inbox        text NOT NULL,
    contact      uuid NOT NULL,
    conversation uuid NOT NULL,
    PRIMARY KEY (inbox, contact)
);

CREATE TABLE dedupe (
    scope        text NOT NULL,
    key          text NOT NULL,
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    PRIMARY KEY (scope, key)
);

-- A claim moves `due` to its end, so that "due again" and "free again" are one question.
CREATE TABLE jobs (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation uuid NOT NULL,
    lane         text NOT NULL,
    kind         text NOT NULL,
    due          bigint NOT NULL,
    attempt      integer NOT NULL DEFAULT 0
);
CREATE INDEX jobs_line ON jobs (lane, conversation, id);
CREATE INDEX jobs_due ON jobs (lane, due);

CREATE TABLE contacts (
    id          uuid PRIMARY KEY,
    name        text,
    email       text,
    phone       text,
    verified    boolean NOT NULL,
    external_id text,
    attributes  text NOT NULL,
    created_at  bigint NOT NULL,
    words       tsvector NOT NULL
);
CREATE INDEX contacts_external_id ON contacts (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX contacts_words ON contacts USING gin (words);

CREATE TABLE visitors (
    token_hash text PRIMARY KEY,
    contact    uuid NOT NULL REFERENCES contacts (id),
    inbox      text NOT NULL
);
CREATE INDEX visitors_contact ON visitors (contact, inbox);

CREATE TABLE artifacts (
    id           uuid PRIMARY KEY,
    conversation uuid NOT NULL,
    created_at   bigint NOT NULL,
    status       text NOT NULL,
    artifact     text NOT NULL
);
CREATE INDEX artifacts_conversation ON artifacts (conversation, created_at);
CREATE INDEX artifacts_running ON artifacts (created_at) WHERE status = 'running';

CREATE TABLE agents (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    email         text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    role          text NOT NULL,
    teams         text NOT NULL,
    skills        text NOT NULL,
    languages     text NOT NULL,
    presence      text NOT NULL
);

CREATE TABLE sessions (
    token_hash text PRIMARY KEY,
    agent      uuid NOT NULL REFERENCES agents (id),
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL
);
CREATE INDEX sessions_agent ON sessions (agent);

-- Tickets that open a socket once.
CREATE TABLE tickets (
    token_hash text PRIMARY KEY,
    holder     text NOT NULL,
    expires    bigint NOT NULL
);
CREATE INDEX tickets_expires ON tickets (expires);

CREATE TABLE drafts (
    agent        uuid NOT NULL REFERENCES agents (id),
    conversation uuid NOT NULL,
    mode         text NOT NULL,
    text         text NOT NULL,
    at           bigint NOT NULL,
    PRIMARY KEY (agent, conversation, mode)
);

-- The words of what was said, as `store::words` gives them: without accents and case, so that every store finds the
-- same. No dictionary of PostgreSQL's touches them.
CREATE TABLE said (
    position     bigint PRIMARY KEY,
    conversation uuid NOT NULL,
    words        tsvector NOT NULL
);
CREATE INDEX said_words ON said USING gin (words);
