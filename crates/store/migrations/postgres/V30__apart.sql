-- What is written once, or only while an authorisation is open, stands apart from its row, so that
-- no change of an authorisation touches an index.

-- The decision receipt, packed, written with the decision. A text in authorisation.receipt is newer:
-- a binary of the version before wrote it.
CREATE TABLE receipt (
    enterprise_id BIGINT NOT NULL,
    auth_id       BIGINT NOT NULL,
    body          BYTEA  NOT NULL,
    PRIMARY KEY (enterprise_id, auth_id)
);

-- Authorisations without a decision: since when, in the server's time, and the receipt so far.
CREATE TABLE undecided (
    enterprise_id BIGINT NOT NULL,
    auth_id       BIGINT NOT NULL,
    begun_at      BIGINT DEFAULT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint,
    body          BYTEA,
    PRIMARY KEY (enterprise_id, auth_id)
);

-- Decided authorisations whose hold is open, and when it expires, business time.
CREATE TABLE open_hold (
    enterprise_id BIGINT NOT NULL,
    auth_id       BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, auth_id)
);
CREATE INDEX open_hold_by_end ON open_hold (expires_at ASC);

-- The lock of this change lets nobody write before the rows below are copied.
-- 1 = a binary of the version before wrote it, and knows nothing of these tables; null = its parts
-- are in them.
ALTER TABLE authorisation ADD COLUMN by_older BIGINT;
ALTER TABLE authorisation ALTER COLUMN by_older SET DEFAULT 1;
CREATE INDEX authorisation_by_older ON authorisation (auth_id ASC) WHERE by_older = 1;

INSERT INTO undecided (enterprise_id, auth_id, begun_at)
    SELECT enterprise_id, auth_id, begun_at FROM authorisation WHERE status = 'PENDING';
INSERT INTO open_hold (enterprise_id, auth_id, expires_at)
    SELECT enterprise_id, auth_id, hold_expires_at FROM authorisation
    WHERE hold_state = 'PENDING' AND status <> 'PENDING' AND hold_expires_at IS NOT NULL;

-- Binaries of the version before look without these indexes as well, only longer.
DROP INDEX authorisation_undecided;
DROP INDEX authorisation_open_hold;
ALTER TABLE authorisation SET (fillfactor = 80);
