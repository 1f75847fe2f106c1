-- The oldest schema that a binary may know to run on this one. A migration that takes away what the
-- version before uses raises it; any other lets processes of that version run on and start again.
CREATE TABLE schema_support (
    least_version INTEGER NOT NULL PRIMARY KEY
) STRICT;
INSERT INTO schema_support (least_version) VALUES (28);
