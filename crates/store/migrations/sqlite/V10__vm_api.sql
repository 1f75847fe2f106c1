-- Dialect 2, the VM API: apps, tokens, products, and what their cards have beside the card.

CREATE TABLE vm_app (
    enterprise_id       INTEGER NOT NULL,
    vm_app_id           INTEGER NOT NULL,
    app_id              TEXT NOT NULL,
    secret_digest       BLOB NOT NULL,
    merchant_public_key BLOB,
    webhook_url         TEXT,
    signs_webhooks      INTEGER NOT NULL,
    ip_whitelist        TEXT NOT NULL,
    created_at          INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, vm_app_id)
) STRICT;

-- Routing: an app names itself before anyone knows whose it is.
CREATE TABLE vm_app_name (
    app_id        TEXT NOT NULL PRIMARY KEY,
    enterprise_id INTEGER NOT NULL,
    vm_app_id     INTEGER NOT NULL
) STRICT;

-- Routing: a call names its token alone. The token itself is kept nowhere, only its SHA-256.
-- expires_at is real time.
CREATE TABLE vm_token (
    token_digest  BLOB NOT NULL PRIMARY KEY,
    enterprise_id INTEGER NOT NULL,
    vm_app_id     INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX vm_token_by_end ON vm_token (expires_at);

CREATE TABLE vm_product (
    enterprise_id   INTEGER NOT NULL,
    vm_app_id       INTEGER NOT NULL,
    product_code    TEXT NOT NULL,
    profile_id      INTEGER NOT NULL,
    funding         TEXT NOT NULL,
    issuing_area    TEXT NOT NULL,
    remaining_cards INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, vm_app_id, product_code)
) STRICT;

CREATE TABLE vm_card (
    enterprise_id INTEGER NOT NULL,
    card_id       INTEGER NOT NULL,
    vm_app_id     INTEGER NOT NULL,
    card_uuid     TEXT NOT NULL,
    product_code  TEXT NOT NULL,
    funding       TEXT NOT NULL,
    label         TEXT NOT NULL,
    sealed_holder BLOB NOT NULL,
    single_minor  INTEGER NOT NULL,
    day_minor     INTEGER NOT NULL,
    month_minor   INTEGER NOT NULL,
    total_minor   INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, card_id)
) STRICT;
CREATE INDEX vm_card_by_app ON vm_card (enterprise_id, vm_app_id, created_at, card_id);

-- Routing: an operator names a card by its UUID before anyone knows whose it is.
CREATE TABLE vm_card_uuid (
    card_uuid     TEXT NOT NULL PRIMARY KEY,
    enterprise_id INTEGER NOT NULL,
    card_id       INTEGER NOT NULL
) STRICT;

-- What moved the balance of a card, in the commit that moved it.
CREATE TABLE vm_flow (
    enterprise_id INTEGER NOT NULL,
    flow_id       INTEGER NOT NULL,
    card_id       INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    amount_minor  INTEGER NOT NULL,
    balance_minor INTEGER NOT NULL,
    remark        TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    vm_app_id     INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, flow_id)
) STRICT;
CREATE INDEX vm_flow_by_app ON vm_flow (enterprise_id, vm_app_id, created_at, flow_id);
CREATE INDEX vm_flow_by_card ON vm_flow (enterprise_id, card_id, created_at, flow_id);

-- Which account an authorisation draws on: the enterprise's deposit in its currency, an app's
-- balance or wallet, or the card itself. owner_id is 0 for a deposit.
ALTER TABLE ledger_account ADD COLUMN purpose TEXT NOT NULL DEFAULT 'DEPOSIT';
ALTER TABLE ledger_account ADD COLUMN owner_id INTEGER NOT NULL DEFAULT 0;
DROP INDEX ledger_account_currency_once;
CREATE UNIQUE INDEX ledger_account_once ON ledger_account (enterprise_id, currency, purpose, owner_id);
ALTER TABLE authorisation ADD COLUMN account_purpose TEXT NOT NULL DEFAULT 'DEPOSIT';
ALTER TABLE authorisation ADD COLUMN account_owner_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE card ADD COLUMN account_purpose TEXT NOT NULL DEFAULT 'DEPOSIT';
ALTER TABLE card ADD COLUMN account_owner_id INTEGER NOT NULL DEFAULT 0;

-- The app whose card it is, among whose transactions it is listed. Null for the forwarded
-- cards of dialect 1 and for the records of reversals, which are no rows of their own there.
ALTER TABLE authorisation ADD COLUMN vm_app_id INTEGER;
CREATE INDEX authorisation_by_vm_app ON authorisation (enterprise_id, vm_app_id, created_at, auth_id)
    WHERE vm_app_id IS NOT NULL;

-- Whom a webhook is told to: an app, or 0 = the enterprise itself.
ALTER TABLE webhook ADD COLUMN vm_app_id INTEGER NOT NULL DEFAULT 0;
DROP INDEX webhook_pending;
CREATE INDEX webhook_pending ON webhook (enterprise_id, vm_app_id, next_attempt_at)
    WHERE status = 'PENDING';

-- What a 3DS challenge of an app's card has beside the challenge. The code itself is in no
-- column; its keyed hash goes when the challenge is over.
CREATE TABLE vm_challenge (
    enterprise_id INTEGER NOT NULL,
    challenge_id  INTEGER NOT NULL,
    vm_app_id     INTEGER NOT NULL,
    otp_hash      BLOB,
    wrong_tries   INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, challenge_id)
) STRICT;

-- The app whose balance takes over what a deleted card's account still gets or lacks.
ALTER TABLE ledger_account ADD COLUMN closed_into INTEGER;

-- All that was ever counted and not given back, for the total line of a card of dialect 2. The
-- days and months of such a card are counted at that dialect's offset.
ALTER TABLE velocity_use ADD COLUMN total_minor INTEGER NOT NULL DEFAULT 0;
UPDATE velocity_use SET total_minor = (SELECT COALESCE(SUM(it.velocity_minor), 0) FROM card
    JOIN authorisation it ON it.enterprise_id = card.enterprise_id AND it.card_id = card.card_id
    WHERE card.enterprise_id = velocity_use.enterprise_id AND card.pan_id = velocity_use.pan_id);
