-- What messages of links come to in a reconciliation (network-iso8583.md section 3.7).
-- The network that numbers its messages. Null = it arrived before this column.
ALTER TABLE link_message ADD COLUMN network TEXT;
-- The total to which it counts, and with how much. Null = to none.
ALTER TABLE link_message ADD COLUMN counts_as TEXT;
ALTER TABLE link_message ADD COLUMN counted_minor BIGINT;
ALTER TABLE link_message ADD COLUMN counted_currency BIGINT;
-- The authorisation that a reversal gives back.
ALTER TABLE link_message ADD COLUMN reversed_auth_id BIGINT;
-- The request whose identity an advice has.
ALTER TABLE link_message ADD COLUMN repeats_message_id BIGINT;
-- 1 once an approval of it was written; of what states a fact, from the beginning.
ALTER TABLE link_message ADD COLUMN is_approved BIGINT NOT NULL DEFAULT 0;
-- A condition IS NULL would keep PostgreSQL from reading in order of arrival.
CREATE INDEX link_message_counted
    ON link_message (network, acquirer, COALESCE(settlement_date, ''), received_at, message_id)
    WHERE counts_as IS NOT NULL;

-- The last two cut-overs of each link.
CREATE TABLE link_cut_over (
    link           TEXT NOT NULL PRIMARY KEY,
    cut_over_at    BIGINT NOT NULL,
    -- The numbers of its message, and its connection.
    stan           TEXT NOT NULL,
    transmitted_at TEXT NOT NULL,
    origin         BIGINT NOT NULL,
    -- The cut-over before it.
    previous_at    BIGINT
);

-- The last reconciliation of each link.
CREATE TABLE link_reconciliation (
    link            TEXT NOT NULL PRIMARY KEY,
    computed_at     BIGINT NOT NULL,
    mti             TEXT NOT NULL,
    acquirer        TEXT NOT NULL,
    stan            TEXT NOT NULL,
    stamp           TEXT NOT NULL,
    settlement_date TEXT,
    currency        BIGINT NOT NULL,
    window_from     BIGINT,
    window_to       BIGINT,
    verdict         TEXT NOT NULL,
    -- One a line: field, the peer's value, ours.
    differences     TEXT NOT NULL
);
