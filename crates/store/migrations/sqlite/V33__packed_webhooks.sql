-- The body of a webhook, packed (src/packing.rs). body is then null: a binary of the version before
-- cannot read such a webhook, so it passes over it instead of sending something else.
ALTER TABLE webhook ADD COLUMN packed BLOB;
ALTER TABLE webhook ADD COLUMN taken_over BLOB;
UPDATE webhook SET taken_over = body;
ALTER TABLE webhook DROP COLUMN body;
ALTER TABLE webhook RENAME COLUMN taken_over TO body;
