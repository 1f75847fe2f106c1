-- Reconciliation files: what belongs to a day in the order of its file, the files
-- themselves in pieces, and the links to them.

CREATE INDEX authorisation_by_arrival ON authorisation (enterprise_id, created_at, auth_id);
CREATE INDEX posting_by_moment ON posting (enterprise_id, posted_at, transaction_id);
CREATE INDEX ledger_transfer_spending ON ledger_transfer (enterprise_id, created_at)
    WHERE from_bucket = 'POSTED' OR to_bucket = 'POSTED';

-- file_day counts days from 1970-01-01; file_id names the pieces of the version in force.
CREATE TABLE settlement_file (
    enterprise_id INTEGER NOT NULL,
    file_day      INTEGER NOT NULL,
    file_type     TEXT   NOT NULL,
    file_id       INTEGER NOT NULL,
    row_count     INTEGER NOT NULL,
    size_bytes    INTEGER NOT NULL,
    sha256        BLOB  NOT NULL,
    totals        TEXT   NOT NULL,
    is_final      INTEGER NOT NULL,
    cut_at        INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, file_day, file_type)
) STRICT;

CREATE TABLE settlement_piece (
    enterprise_id INTEGER NOT NULL,
    file_id       INTEGER NOT NULL,
    piece         INTEGER NOT NULL,
    bytes         BLOB  NOT NULL,
    PRIMARY KEY (enterprise_id, file_id, piece)
) STRICT;

-- Versions that are not in force: being written, replaced, or left by a crash. Their
-- pieces go once real time has passed discard_after.
CREATE TABLE settlement_leftover (
    enterprise_id INTEGER NOT NULL,
    file_id       INTEGER NOT NULL,
    discard_after INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, file_id)
) STRICT;
CREATE INDEX settlement_leftover_by_end ON settlement_leftover (discard_after);

-- Routing: a link names its token before anyone knows whose file it is. Real time.
CREATE TABLE settlement_link (
    token_hash    BLOB  NOT NULL PRIMARY KEY,
    enterprise_id INTEGER NOT NULL,
    file_day      INTEGER NOT NULL,
    file_type     TEXT   NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX settlement_link_by_end ON settlement_link (expires_at);
