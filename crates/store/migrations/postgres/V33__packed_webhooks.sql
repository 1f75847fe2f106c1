-- The body of a webhook, packed (src/packing.rs). body is then null: a binary of the version before
-- cannot read such a webhook, so it passes over it instead of sending something else.
ALTER TABLE webhook ADD COLUMN packed BYTEA;
ALTER TABLE webhook ALTER COLUMN body DROP NOT NULL;
-- Room beside a row for its versions: a claim and the end of a try come soon after.
ALTER TABLE webhook SET (fillfactor = 80);
