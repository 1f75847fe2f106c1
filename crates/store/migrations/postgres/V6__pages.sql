-- Guidance links and the hosted pages that were opened with them.

-- Routing: who opens a page shows a secret before anyone knows whose page it is. Secrets
-- and one-time passwords are kept as hashes only.
CREATE TABLE guidance_link (
    secret_hash     BYTEA NOT NULL PRIMARY KEY,
    enterprise_id   BIGINT NOT NULL,
    guidance_type   TEXT NOT NULL,
    customer_id     BIGINT NOT NULL,
    card_id         BIGINT,
    kyc_ticket_id   BIGINT,
    is_otp_required BIGINT NOT NULL,
    language        TEXT NOT NULL,
    theme           TEXT NOT NULL,
    mode            TEXT NOT NULL,
    user_agent      TEXT NOT NULL,
    redirect_url    TEXT,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    opened_at       BIGINT,
    step            TEXT,
    token_hash      BYTEA,
    step_expires_at BIGINT,
    otp_hash        BYTEA,
    otp_tries       BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX guidance_link_token_once ON guidance_link (token_hash);
CREATE INDEX guidance_link_by_end ON guidance_link (expires_at);
