-- Which server has claimed a job: its number, whose lock tells whether it lives.
ALTER TABLE jobs ADD COLUMN holder integer;
CREATE INDEX jobs_held ON jobs (holder) WHERE holder IS NOT NULL;
