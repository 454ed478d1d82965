-- As in SQLite: one index holds all that lists choose, filter and count by. The one without their order is gone: planners
-- preferred it for views that hold little, and read a page for each row to put them in order.
DROP INDEX conversations_due;
DROP INDEX conversations_views;
CREATE INDEX conversations_due ON conversations (status, answer_by, waiting_since, position DESC)
    INCLUDE (holder, agent, team, inbox, id);
