-- What a process tells the others when it renews its lease; asked of a server only.
ALTER TABLE process ADD COLUMN limits BLOB;
ALTER TABLE process ADD COLUMN limits_at INTEGER;
ALTER TABLE process ADD COLUMN clock_offset_us INTEGER;
