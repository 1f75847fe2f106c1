-- Guidance links and the hosted pages that were opened with them.

-- Routing: who opens a page shows a secret before anyone knows whose page it is. Secrets
-- and one-time passwords are kept as hashes only.
CREATE TABLE guidance_link (
    secret_hash     BLOB NOT NULL PRIMARY KEY,
    enterprise_id   INTEGER NOT NULL,
    guidance_type   TEXT NOT NULL,
    customer_id     INTEGER NOT NULL,
    card_id         INTEGER,
    kyc_ticket_id   INTEGER,
    is_otp_required INTEGER NOT NULL,
    language        TEXT NOT NULL,
    theme           TEXT NOT NULL,
    mode            TEXT NOT NULL,
    user_agent      TEXT NOT NULL,
    redirect_url    TEXT,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    opened_at       INTEGER,
    step            TEXT,
    token_hash      BLOB,
    step_expires_at INTEGER,
    otp_hash        BLOB,
    otp_tries       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX guidance_link_token_once ON guidance_link (token_hash);
CREATE INDEX guidance_link_by_end ON guidance_link (expires_at);
