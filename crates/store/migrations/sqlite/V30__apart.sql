-- What is written once, or only while an authorisation is open, stands apart from its row, so that
-- no change of an authorisation touches an index.

-- The decision receipt, packed, written with the decision. A text in authorisation.receipt is newer:
-- a binary of the version before wrote it.
CREATE TABLE receipt (
    enterprise_id INTEGER NOT NULL,
    auth_id       INTEGER NOT NULL,
    body          BLOB NOT NULL,
    PRIMARY KEY (enterprise_id, auth_id)
) STRICT, WITHOUT ROWID;

-- Authorisations without a decision, with the receipt so far. The embedded store's only process
-- needs no begun_at.
CREATE TABLE undecided (
    enterprise_id INTEGER NOT NULL,
    auth_id       INTEGER NOT NULL,
    begun_at      INTEGER,
    body          BLOB,
    PRIMARY KEY (enterprise_id, auth_id)
) STRICT, WITHOUT ROWID;

-- Decided authorisations whose hold is open, and when it expires, business time.
CREATE TABLE open_hold (
    enterprise_id INTEGER NOT NULL,
    auth_id       INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, auth_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX open_hold_by_end ON open_hold (expires_at);

-- 1 = a binary of the version before wrote it, and knows nothing of these tables; null = its parts
-- are in them.
ALTER TABLE authorisation ADD COLUMN by_older INTEGER DEFAULT 1;
UPDATE authorisation SET by_older = NULL;
CREATE INDEX authorisation_by_older ON authorisation (auth_id) WHERE by_older = 1;

INSERT INTO undecided (enterprise_id, auth_id)
    SELECT enterprise_id, auth_id FROM authorisation WHERE status = 'PENDING';
INSERT INTO open_hold (enterprise_id, auth_id, expires_at)
    SELECT enterprise_id, auth_id, hold_expires_at FROM authorisation
    WHERE hold_state = 'PENDING' AND status <> 'PENDING' AND hold_expires_at IS NOT NULL;

-- Binaries of the version before look without these indexes as well, only longer.
DROP INDEX authorisation_undecided;
DROP INDEX authorisation_open_hold;
