CREATE INDEX CONCURRENTLY comments_by_author ON comments (author_id);

ALTER TABLE tasks ADD CONSTRAINT edits_not_negative CHECK (edits >= 0) NOT VALID;
ALTER TABLE tasks VALIDATE CONSTRAINT edits_not_negative;

-- rehome:batches key=id size=2000
UPDATE tasks SET details = details || '{"via": "web"}' WHERE NOT details ? 'via';
