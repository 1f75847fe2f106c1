-- What a process tells the others when it renews its lease: what its rate limits counted of each
-- caller (callers by keyed hashes) with the server's time of that count, and the offset of business
-- time that it has. A process of the version before tells nothing.
ALTER TABLE process ADD COLUMN limits BYTEA;
ALTER TABLE process ADD COLUMN limits_at BIGINT;
ALTER TABLE process ADD COLUMN clock_offset_us BIGINT;
