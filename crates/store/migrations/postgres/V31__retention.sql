-- Retention: what exported and deleted authorisations leave, so that every balance can still be
-- derived.

-- The totals of the deleted transfers of each account, minor units. Funding has the sign of the
-- account's.
CREATE TABLE carried_forward (
    enterprise_id   BIGINT NOT NULL,
    account_id      BIGINT NOT NULL,
    funding_minor   BIGINT NOT NULL,
    available_minor BIGINT NOT NULL,
    held_minor      BIGINT NOT NULL,
    posted_minor    BIGINT NOT NULL,
    -- Those among them that were fees: their number and total.
    fees            BIGINT NOT NULL,
    fees_minor      BIGINT NOT NULL,
    transfers       BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, account_id)
);

-- The use of limits, of all time, by the deleted authorisations of each PAN, minor units.
CREATE TABLE carried_use (
    enterprise_id BIGINT NOT NULL,
    pan_id        BIGINT NOT NULL,
    total_minor   BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, pan_id)
);

-- Files that were exported, platform-wide: first WRITTEN and verified, then DELETING, then DELETED.
CREATE TABLE exported_file (
    -- The first day of the month in UTC+8, counted from 1970-01-01.
    month          BIGINT NOT NULL,
    part           BIGINT NOT NULL,
    sha256         BYTEA  NOT NULL,
    size_bytes     BIGINT NOT NULL,
    authorisations BIGINT NOT NULL,
    state          TEXT   NOT NULL,
    PRIMARY KEY (month, part)
);
