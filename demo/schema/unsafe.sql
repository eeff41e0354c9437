-- Writes to the table would wait until the index is built.
CREATE INDEX comments_by_author ON comments (author_id);
