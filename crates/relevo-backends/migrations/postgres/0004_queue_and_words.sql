-- Since when a conversation waits in its inbox's queue, if it does: everybody in it is told their place.
ALTER TABLE conversations ADD COLUMN queued_since bigint;
UPDATE conversations SET queued_since = (state::json #>> '{control,holder,since}')::bigint
    WHERE holder = 'queue' AND status IN ('open', 'pending');
CREATE INDEX conversations_queue ON conversations (inbox, queued_since) WHERE queued_since IS NOT NULL;

-- New words wait in a list until it is this long (kB), and whoever makes it longer puts them all in their places: with the
-- database's own 4 MB everybody stood still for a tenth of a second then.
ALTER INDEX said_words SET (gin_pending_list_limit = 128);
