-- Lists are chosen, filtered and ordered in this index alone: the rows themselves, each with its whole state, are read
-- for one page only. Counts read it too.
DROP INDEX conversations_due;
DROP INDEX conversations_views;
CREATE INDEX conversations_due ON conversations (
    status, answer_by, waiting_since, position DESC, holder, agent, team, inbox, id
);
