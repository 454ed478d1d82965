-- A day's artifacts: what each team has used of its tokens, and the report of what became of them.
CREATE INDEX artifacts_created ON artifacts (created_at, id);
