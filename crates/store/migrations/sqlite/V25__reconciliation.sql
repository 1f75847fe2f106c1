-- What messages of links come to in a reconciliation (network-iso8583.md section 3.7).
-- The network that numbers its messages. Null = it arrived before this column.
ALTER TABLE link_message ADD COLUMN network TEXT;
-- The total to which it counts, and with how much. Null = to none.
ALTER TABLE link_message ADD COLUMN counts_as TEXT;
ALTER TABLE link_message ADD COLUMN counted_minor INTEGER;
ALTER TABLE link_message ADD COLUMN counted_currency INTEGER;
-- The authorisation that a reversal gives back.
ALTER TABLE link_message ADD COLUMN reversed_auth_id INTEGER;
-- The request whose identity an advice has.
ALTER TABLE link_message ADD COLUMN repeats_message_id INTEGER;
-- 1 once an approval of it was written; of what states a fact, from the beginning.
ALTER TABLE link_message ADD COLUMN is_approved INTEGER NOT NULL DEFAULT 0;
-- A condition IS NULL would keep PostgreSQL from reading in order of arrival.
CREATE INDEX link_message_counted
    ON link_message (network, acquirer, COALESCE(settlement_date, ''), received_at)
    WHERE counts_as IS NOT NULL;

-- The last two cut-overs of each link.
CREATE TABLE link_cut_over (
    link           TEXT NOT NULL PRIMARY KEY,
    cut_over_at    INTEGER NOT NULL,
    -- The numbers of its message, and its connection.
    stan           TEXT NOT NULL,
    transmitted_at TEXT NOT NULL,
    origin         INTEGER NOT NULL,
    -- The cut-over before it.
    previous_at    INTEGER
) STRICT, WITHOUT ROWID;

-- The last reconciliation of each link.
CREATE TABLE link_reconciliation (
    link            TEXT NOT NULL PRIMARY KEY,
    computed_at     INTEGER NOT NULL,
    mti             TEXT NOT NULL,
    acquirer        TEXT NOT NULL,
    stan            TEXT NOT NULL,
    stamp           TEXT NOT NULL,
    settlement_date TEXT,
    currency        INTEGER NOT NULL,
    window_from     INTEGER,
    window_to       INTEGER,
    verdict         TEXT NOT NULL,
    -- One a line: field, the peer's value, ours.
    differences     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
