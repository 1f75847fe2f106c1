-- Retention: what exported and deleted authorisations leave, so that every balance can still be
-- derived.

-- The totals of the deleted transfers of each account, minor units. Funding has the sign of the
-- account's.
CREATE TABLE carried_forward (
    enterprise_id   INTEGER NOT NULL,
    account_id      INTEGER NOT NULL,
    funding_minor   INTEGER NOT NULL,
    available_minor INTEGER NOT NULL,
    held_minor      INTEGER NOT NULL,
    posted_minor    INTEGER NOT NULL,
    -- Those among them that were fees: their number and total.
    fees            INTEGER NOT NULL,
    fees_minor      INTEGER NOT NULL,
    transfers       INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, account_id)
) STRICT;

-- The use of limits, of all time, by the deleted authorisations of each PAN, minor units.
CREATE TABLE carried_use (
    enterprise_id INTEGER NOT NULL,
    pan_id        INTEGER NOT NULL,
    total_minor   INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, pan_id)
) STRICT;

-- Files that were exported, platform-wide: first WRITTEN and verified, then DELETING, then DELETED.
CREATE TABLE exported_file (
    -- The first day of the month in UTC+8, counted from 1970-01-01.
    month          INTEGER NOT NULL,
    part           INTEGER NOT NULL,
    sha256         BLOB    NOT NULL,
    size_bytes     INTEGER NOT NULL,
    authorisations INTEGER NOT NULL,
    state          TEXT    NOT NULL,
    PRIMARY KEY (month, part)
) STRICT;
