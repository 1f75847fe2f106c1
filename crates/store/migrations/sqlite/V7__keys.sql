-- One-time extraction of API keys, and 3DS challenges.

-- Routing: who fetches a key shows its code before anyone knows whose it is. The code
-- itself is kept nowhere, only its SHA-256.
CREATE TABLE key_extraction (
    code_digest   BLOB NOT NULL PRIMARY KEY,
    enterprise_id INTEGER NOT NULL,
    source_ip     TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    used_at       INTEGER
) STRICT;

-- Every attempt to fetch a key with a code that exists.
CREATE TABLE key_extraction_attempt (
    enterprise_id INTEGER NOT NULL,
    attempt_id    INTEGER NOT NULL,
    outcome       TEXT NOT NULL,
    source_ip     TEXT NOT NULL,
    api_key       TEXT,
    attempted_at  INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, attempt_id)
) STRICT;

CREATE TABLE three_ds_challenge (
    enterprise_id    INTEGER NOT NULL,
    challenge_id     INTEGER NOT NULL,
    card_id          INTEGER NOT NULL,
    status           TEXT NOT NULL,
    amount_minor     INTEGER NOT NULL,
    currency         INTEGER NOT NULL,
    merchant_id      TEXT,
    merchant_name    TEXT,
    merchant_country TEXT,
    mcc              TEXT,
    expires_at       INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    modified_at      INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, challenge_id)
) STRICT;
CREATE INDEX three_ds_challenge_by_id ON three_ds_challenge (challenge_id);
