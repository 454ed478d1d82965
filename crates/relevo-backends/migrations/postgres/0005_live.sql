-- Views and their counts are answered out of one index that holds all that they ask for. Without it the planner prefers
-- to sort all that a view holds: in an index without these columns each row costs a page.
DROP INDEX conversations_live;
CREATE INDEX conversations_live ON conversations (answer_by, waiting_since, position DESC)
    INCLUDE (status, holder, agent, team, inbox, id) WHERE status IN ('open', 'pending');
