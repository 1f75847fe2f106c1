-- One-time extraction of API keys, and 3DS challenges.

-- Routing: who fetches a key shows its code before anyone knows whose it is. The code
-- itself is kept nowhere, only its SHA-256.
CREATE TABLE key_extraction (
    code_digest   BYTEA NOT NULL PRIMARY KEY,
    enterprise_id BIGINT NOT NULL,
    source_ip     TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    used_at       BIGINT
);

-- Every attempt to fetch a key with a code that exists.
CREATE TABLE key_extraction_attempt (
    enterprise_id BIGINT NOT NULL,
    attempt_id    BIGINT NOT NULL,
    outcome       TEXT NOT NULL,
    source_ip     TEXT NOT NULL,
    api_key       TEXT,
    attempted_at  BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, attempt_id)
);

CREATE TABLE three_ds_challenge (
    enterprise_id    BIGINT NOT NULL,
    challenge_id     BIGINT NOT NULL,
    card_id          BIGINT NOT NULL,
    status           TEXT NOT NULL,
    amount_minor     BIGINT NOT NULL,
    currency         BIGINT NOT NULL,
    merchant_id      TEXT,
    merchant_name    TEXT,
    merchant_country TEXT,
    mcc              TEXT,
    expires_at       BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    modified_at      BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, challenge_id)
);
CREATE INDEX three_ds_challenge_by_id ON three_ds_challenge (challenge_id);
