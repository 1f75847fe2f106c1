-- Dialect 2, the VM API: apps, tokens, products, and what their cards have beside the card.

CREATE TABLE vm_app (
    enterprise_id       BIGINT NOT NULL,
    vm_app_id           BIGINT NOT NULL,
    app_id              TEXT NOT NULL,
    secret_digest       BYTEA NOT NULL,
    merchant_public_key BYTEA,
    webhook_url         TEXT,
    signs_webhooks      BIGINT NOT NULL,
    ip_whitelist        TEXT NOT NULL,
    created_at          BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, vm_app_id)
);

-- Routing: an app names itself before anyone knows whose it is.
CREATE TABLE vm_app_name (
    app_id        TEXT NOT NULL PRIMARY KEY,
    enterprise_id BIGINT NOT NULL,
    vm_app_id     BIGINT NOT NULL
);

-- Routing: a call names its token alone. The token itself is kept nowhere, only its SHA-256.
-- expires_at is real time.
CREATE TABLE vm_token (
    token_digest  BYTEA NOT NULL PRIMARY KEY,
    enterprise_id BIGINT NOT NULL,
    vm_app_id     BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
CREATE INDEX vm_token_by_end ON vm_token (expires_at);

CREATE TABLE vm_product (
    enterprise_id   BIGINT NOT NULL,
    vm_app_id       BIGINT NOT NULL,
    product_code    TEXT NOT NULL,
    profile_id      BIGINT NOT NULL,
    funding         TEXT NOT NULL,
    issuing_area    TEXT NOT NULL,
    remaining_cards BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, vm_app_id, product_code)
);

CREATE TABLE vm_card (
    enterprise_id BIGINT NOT NULL,
    card_id       BIGINT NOT NULL,
    vm_app_id     BIGINT NOT NULL,
    card_uuid     TEXT NOT NULL,
    product_code  TEXT NOT NULL,
    funding       TEXT NOT NULL,
    label         TEXT NOT NULL,
    sealed_holder BYTEA NOT NULL,
    single_minor  BIGINT NOT NULL,
    day_minor     BIGINT NOT NULL,
    month_minor   BIGINT NOT NULL,
    total_minor   BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, card_id)
);
CREATE INDEX vm_card_by_app ON vm_card (enterprise_id, vm_app_id, created_at, card_id);

-- Routing: an operator names a card by its UUID before anyone knows whose it is.
CREATE TABLE vm_card_uuid (
    card_uuid     TEXT NOT NULL PRIMARY KEY,
    enterprise_id BIGINT NOT NULL,
    card_id       BIGINT NOT NULL
);

-- What moved the balance of a card, in the commit that moved it.
CREATE TABLE vm_flow (
    enterprise_id BIGINT NOT NULL,
    flow_id       BIGINT NOT NULL,
    card_id       BIGINT NOT NULL,
    kind          TEXT NOT NULL,
    amount_minor  BIGINT NOT NULL,
    balance_minor BIGINT NOT NULL,
    remark        TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    vm_app_id     BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, flow_id)
);
CREATE INDEX vm_flow_by_app ON vm_flow (enterprise_id, vm_app_id, created_at, flow_id);
CREATE INDEX vm_flow_by_card ON vm_flow (enterprise_id, card_id, created_at, flow_id);

-- Which account an authorisation draws on: the enterprise's deposit in its currency, an app's
-- balance or wallet, or the card itself. owner_id is 0 for a deposit.
ALTER TABLE ledger_account ADD COLUMN purpose TEXT NOT NULL DEFAULT 'DEPOSIT';
ALTER TABLE ledger_account ADD COLUMN owner_id BIGINT NOT NULL DEFAULT 0;
DROP INDEX ledger_account_currency_once;
CREATE UNIQUE INDEX ledger_account_once ON ledger_account (enterprise_id, currency, purpose, owner_id);
ALTER TABLE authorisation ADD COLUMN account_purpose TEXT NOT NULL DEFAULT 'DEPOSIT';
ALTER TABLE authorisation ADD COLUMN account_owner_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE card ADD COLUMN account_purpose TEXT NOT NULL DEFAULT 'DEPOSIT';
ALTER TABLE card ADD COLUMN account_owner_id BIGINT NOT NULL DEFAULT 0;

-- The app whose card it is, among whose transactions it is listed. Null for the forwarded
-- cards of dialect 1 and for the records of reversals, which are no rows of their own there.
ALTER TABLE authorisation ADD COLUMN vm_app_id BIGINT;
CREATE INDEX authorisation_by_vm_app ON authorisation (enterprise_id, vm_app_id, created_at, auth_id)
    WHERE vm_app_id IS NOT NULL;

-- Whom a webhook is told to: an app, or 0 = the enterprise itself.
ALTER TABLE webhook ADD COLUMN vm_app_id BIGINT NOT NULL DEFAULT 0;
DROP INDEX webhook_pending;
CREATE INDEX webhook_pending ON webhook (enterprise_id, vm_app_id, next_attempt_at)
    WHERE status = 'PENDING';

-- What a 3DS challenge of an app's card has beside the challenge. The code itself is in no
-- column; its keyed hash goes when the challenge is over.
CREATE TABLE vm_challenge (
    enterprise_id BIGINT NOT NULL,
    challenge_id  BIGINT NOT NULL,
    vm_app_id     BIGINT NOT NULL,
    otp_hash      BYTEA,
    wrong_tries   BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, challenge_id)
);

-- The app whose balance takes over what a deleted card's account still gets or lacks.
ALTER TABLE ledger_account ADD COLUMN closed_into BIGINT;

-- All that was ever counted and not given back, for the total line of a card of dialect 2. The
-- days and months of such a card are counted at that dialect's offset.
ALTER TABLE velocity_use ADD COLUMN total_minor BIGINT NOT NULL DEFAULT 0;
UPDATE velocity_use SET total_minor = (SELECT COALESCE(SUM(it.velocity_minor), 0) FROM card
    JOIN authorisation it ON it.enterprise_id = card.enterprise_id AND it.card_id = card.card_id
    WHERE card.enterprise_id = velocity_use.enterprise_id AND card.pan_id = velocity_use.pan_id);
