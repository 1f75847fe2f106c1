-- When an authorisation began, microseconds since 1970 in the server's time: any process declines
-- what stays undecided for too long after it. The default serves processes of the version before,
-- which do not know the column. Decided authorisations from before it have none.
ALTER TABLE authorisation ADD COLUMN begun_at BIGINT;
ALTER TABLE authorisation ALTER COLUMN begun_at
    SET DEFAULT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint;
UPDATE authorisation SET begun_at = DEFAULT WHERE status = 'PENDING';
