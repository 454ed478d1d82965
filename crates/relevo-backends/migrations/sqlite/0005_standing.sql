-- In the lists open and pending are one: under one word they are one range of the index, and a page of them is read from
-- its beginning, not sorted out of all of them.
DROP INDEX conversations_due;
DROP INDEX conversations_newest;
CREATE INDEX conversations_due ON conversations (
    iif(status = 'pending', 'open', status), answer_by, waiting_since, position DESC, status, holder, agent, team, inbox, id
);
CREATE INDEX conversations_newest ON conversations (iif(status = 'pending', 'open', status), position);

-- Since when a conversation waits in its inbox's queue, if it does: everybody in it is told their place.
ALTER TABLE conversations ADD COLUMN queued_since INTEGER;
UPDATE conversations SET queued_since = state ->> '$.control.holder.since'
    WHERE holder = 'queue' AND status IN ('open', 'pending');
CREATE INDEX conversations_queue ON conversations (inbox, queued_since) WHERE queued_since IS NOT NULL;

-- The forms in which words were said, in their order.
CREATE VIRTUAL TABLE said_forms USING fts5vocab (said, instance);
