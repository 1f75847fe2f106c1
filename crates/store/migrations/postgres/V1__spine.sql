-- The spine: everything from the enterprise to the ledger.
--
-- Times are microseconds since 1970 UTC, money is minor units, flags are 0 or 1, currencies are
-- ISO 4217 numbers, lists are lines of text. enterprise_id leads every primary key and unique index, except in
-- routing tables and platform-wide ones. There are no foreign keys: rows of one
-- enterprise stay together, and no check ever crosses to another server.

CREATE TABLE setting (
    name  TEXT  NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE fx_rate (
    from_currency BIGINT NOT NULL,
    to_currency   BIGINT NOT NULL,
    rate          TEXT   NOT NULL,
    PRIMARY KEY (from_currency, to_currency)
);

CREATE TABLE enterprise (
    enterprise_id       BIGINT NOT NULL PRIMARY KEY,
    name                TEXT   NOT NULL,
    webhook_url         TEXT,
    auth_url            TEXT,
    external_public_key BYTEA,
    webhook_key         TEXT,
    ip_allowlist        TEXT   NOT NULL,
    redirect_hosts      TEXT   NOT NULL,
    page_origins        TEXT   NOT NULL,
    pci                 BIGINT NOT NULL,
    auth_deadline_ms    BIGINT NOT NULL,
    rsa_padding         TEXT   NOT NULL,
    created_at          BIGINT NOT NULL
);

CREATE TABLE platform_key (
    enterprise_id      BIGINT NOT NULL,
    version            BIGINT NOT NULL,
    sealed_private_key BYTEA  NOT NULL,
    public_key         BYTEA  NOT NULL,
    created_at         BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, version)
);

-- Routing: a request names its key before anyone knows whose it is.
CREATE TABLE api_key (
    api_key       TEXT   NOT NULL PRIMARY KEY,
    enterprise_id BIGINT NOT NULL,
    sealed_secret BYTEA  NOT NULL,
    created_at    BIGINT NOT NULL,
    revoked_at    BIGINT
);
CREATE INDEX api_key_by_owner ON api_key (enterprise_id, created_at);

CREATE TABLE card_profile (
    enterprise_id        BIGINT NOT NULL,
    profile_id           BIGINT NOT NULL,
    name                 TEXT   NOT NULL,
    bin_range            TEXT   NOT NULL,
    network              TEXT   NOT NULL,
    currency             BIGINT NOT NULL,
    card_layouts         TEXT   NOT NULL,
    supported_countries  TEXT   NOT NULL,
    hold_days_normal     BIGINT NOT NULL,
    hold_days_pre_auth   BIGINT NOT NULL,
    single_amount_minor  BIGINT,
    single_count         BIGINT,
    daily_amount_minor   BIGINT,
    daily_count          BIGINT,
    monthly_amount_minor BIGINT,
    monthly_count        BIGINT,
    created_at           BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, profile_id)
);

CREATE TABLE customer (
    enterprise_id      BIGINT NOT NULL,
    customer_id        BIGINT NOT NULL,
    customer_ref       TEXT,
    email              TEXT,
    phone              TEXT,
    phone_country_code TEXT,
    created_at         BIGINT NOT NULL,
    modified_at        BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, customer_id)
);
CREATE UNIQUE INDEX customer_ref_once ON customer (enterprise_id, customer_ref);
CREATE UNIQUE INDEX customer_email_once ON customer (enterprise_id, email);
CREATE UNIQUE INDEX customer_phone_once ON customer (enterprise_id, phone);

CREATE TABLE card_order (
    enterprise_id      BIGINT NOT NULL,
    order_id           BIGINT NOT NULL,
    card_order_ref     TEXT   NOT NULL,
    profile_id         BIGINT NOT NULL,
    customer_id        BIGINT NOT NULL,
    order_type         TEXT   NOT NULL,
    status             TEXT   NOT NULL,
    card_id            BIGINT,
    error_code         TEXT,
    error_reason       TEXT,
    need_edd_file      BIGINT NOT NULL,
    replace_card_id    BIGINT,
    created_at         BIGINT NOT NULL,
    modified_at        BIGINT NOT NULL,
    sealed_application BYTEA,
    PRIMARY KEY (enterprise_id, order_id)
);
CREATE UNIQUE INDEX card_order_ref_once ON card_order (enterprise_id, card_order_ref);

CREATE TABLE pan (
    enterprise_id BIGINT NOT NULL,
    pan_id        BIGINT NOT NULL,
    fingerprint   BYTEA  NOT NULL,
    sealed_pan    BYTEA  NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, pan_id)
);

-- Routing: the network names a PAN before anyone knows whose it is.
CREATE TABLE pan_fingerprint (
    fingerprint   BYTEA  NOT NULL PRIMARY KEY,
    enterprise_id BIGINT NOT NULL,
    pan_id        BIGINT NOT NULL
);

CREATE TABLE card (
    enterprise_id     BIGINT NOT NULL,
    card_id           BIGINT NOT NULL,
    profile_id        BIGINT NOT NULL,
    customer_id       BIGINT NOT NULL,
    pan_id            BIGINT NOT NULL,
    card_type         TEXT   NOT NULL,
    status            TEXT   NOT NULL,
    status_reason     TEXT   NOT NULL,
    pan_first6        TEXT   NOT NULL,
    pan_last4         TEXT   NOT NULL,
    currency          BIGINT NOT NULL,
    valid_until       BIGINT NOT NULL,
    invalidate_reason TEXT,
    created_at        BIGINT NOT NULL,
    modified_at       BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, card_id)
);
CREATE INDEX card_by_id ON card (card_id);
CREATE INDEX card_by_customer ON card (enterprise_id, customer_id, card_id);
CREATE INDEX card_by_pan ON card (enterprise_id, pan_id, card_id);

CREATE TABLE job (
    enterprise_id BIGINT NOT NULL,
    job_id        BIGINT NOT NULL,
    kind          TEXT   NOT NULL,
    subject_id    BIGINT NOT NULL,
    due_at        BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    leased_until  BIGINT,
    PRIMARY KEY (enterprise_id, job_id)
);
CREATE INDEX job_by_due ON job (kind, due_at);

-- The outbox. next_attempt_at is business time, leased_until is real time.
CREATE TABLE webhook (
    enterprise_id   BIGINT NOT NULL,
    webhook_id      BIGINT NOT NULL,
    webhook_type    TEXT   NOT NULL,
    sub_type        TEXT   NOT NULL,
    business_id     BIGINT NOT NULL,
    body            BYTEA  NOT NULL,
    created_at      BIGINT NOT NULL,
    status          TEXT   NOT NULL,
    tries           BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    leased_until    BIGINT,
    PRIMARY KEY (enterprise_id, webhook_id)
);
CREATE INDEX webhook_by_id ON webhook (webhook_id);
CREATE INDEX webhook_by_business ON webhook (business_id, webhook_id);
CREATE INDEX webhook_pending ON webhook (enterprise_id, next_attempt_at) WHERE status = 'PENDING';
CREATE INDEX webhook_dead ON webhook (webhook_id) WHERE status = 'DEAD';

CREATE TABLE webhook_attempt (
    enterprise_id BIGINT NOT NULL,
    webhook_id    BIGINT NOT NULL,
    attempt       BIGINT NOT NULL,
    attempted_at  BIGINT NOT NULL,
    status        BIGINT,
    latency_ms    BIGINT NOT NULL,
    excerpt       TEXT   NOT NULL,
    PRIMARY KEY (enterprise_id, webhook_id, attempt)
);

-- Requests already served, shared by all processes; the embedded store keeps them in memory.
CREATE TABLE request_memory (
    digest    BYTEA  NOT NULL PRIMARY KEY,
    forget_at BIGINT NOT NULL
);
CREATE INDEX request_memory_by_end ON request_memory (forget_at);

CREATE TABLE idempotency (
    idempotency_key TEXT   NOT NULL PRIMARY KEY,
    digest          BYTEA  NOT NULL,
    status          BIGINT,
    body            BYTEA,
    taken_at        BIGINT NOT NULL
);
CREATE INDEX idempotency_by_age ON idempotency (taken_at);

CREATE TABLE ledger_account (
    enterprise_id   BIGINT NOT NULL,
    account_id      BIGINT NOT NULL,
    currency        BIGINT NOT NULL,
    funding_minor   BIGINT NOT NULL,
    available_minor BIGINT NOT NULL,
    held_minor      BIGINT NOT NULL,
    posted_minor    BIGINT NOT NULL,
    forced_negative BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, account_id)
);
CREATE UNIQUE INDEX ledger_account_currency_once ON ledger_account (enterprise_id, currency);

CREATE TABLE ledger_transfer (
    enterprise_id BIGINT NOT NULL,
    transfer_id   BIGINT NOT NULL,
    account_id    BIGINT NOT NULL,
    kind          TEXT   NOT NULL,
    from_bucket   TEXT   NOT NULL,
    to_bucket     TEXT   NOT NULL,
    amount_minor  BIGINT NOT NULL,
    currency      BIGINT NOT NULL,
    auth_id       BIGINT,
    reference     TEXT,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, transfer_id)
);
CREATE UNIQUE INDEX ledger_transfer_reference_once ON ledger_transfer (enterprise_id, reference) WHERE reference IS NOT NULL;
CREATE INDEX ledger_transfer_by_auth ON ledger_transfer (enterprise_id, auth_id) WHERE auth_id IS NOT NULL;

CREATE TABLE authorisation (
    enterprise_id           BIGINT NOT NULL,
    auth_id                 BIGINT NOT NULL,
    card_id                 BIGINT NOT NULL,
    customer_id             BIGINT NOT NULL,
    outs_id                 BIGINT NOT NULL,
    original_auth_id        BIGINT,
    direction               TEXT   NOT NULL,
    auth_type               TEXT   NOT NULL,
    transaction_type        TEXT   NOT NULL,
    amount_minor            BIGINT NOT NULL,
    currency                BIGINT NOT NULL,
    acquirer_amount_minor   BIGINT NOT NULL,
    acquirer_currency       BIGINT NOT NULL,
    fx_rate                 TEXT   NOT NULL,
    merchant_id             TEXT,
    merchant_name           TEXT,
    merchant_country        TEXT,
    mcc                     TEXT,
    stan                    TEXT,
    rrn                     TEXT,
    status                  TEXT   NOT NULL,
    response_code           TEXT,
    reject_reason           TEXT,
    detail                  TEXT,
    auth_code               TEXT,
    hold_state              TEXT   NOT NULL,
    hold_remaining_minor    BIGINT NOT NULL,
    hold_expires_at         BIGINT,
    posted_minor            BIGINT NOT NULL,
    cleared_acquirer_minor  BIGINT NOT NULL,
    reversed_acquirer_minor BIGINT NOT NULL,
    created_at              BIGINT NOT NULL,
    decided_at              BIGINT,
    receipt                 TEXT   NOT NULL,
    late_answer             TEXT,
    PRIMARY KEY (enterprise_id, auth_id)
);
CREATE UNIQUE INDEX authorisation_network_key_once ON authorisation (enterprise_id, card_id, stan, rrn);
CREATE INDEX authorisation_by_id ON authorisation (auth_id);
CREATE INDEX authorisation_by_card ON authorisation (enterprise_id, card_id, created_at);
CREATE INDEX authorisation_undecided ON authorisation (created_at) WHERE status = 'PENDING';
CREATE INDEX authorisation_open_hold ON authorisation (hold_expires_at) WHERE hold_state = 'PENDING' AND status <> 'PENDING';

CREATE TABLE posting (
    enterprise_id         BIGINT NOT NULL,
    transaction_id        BIGINT NOT NULL,
    auth_id               BIGINT NOT NULL,
    outs_id               BIGINT NOT NULL,
    card_id               BIGINT NOT NULL,
    customer_id           BIGINT NOT NULL,
    direction             TEXT   NOT NULL,
    amount_minor          BIGINT NOT NULL,
    currency              BIGINT NOT NULL,
    acquirer_amount_minor BIGINT NOT NULL,
    acquirer_currency     BIGINT NOT NULL,
    merchant_id           TEXT,
    merchant_name         TEXT,
    merchant_country      TEXT,
    mcc                   TEXT,
    authorised_at         BIGINT NOT NULL,
    posted_at             BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, transaction_id)
);
CREATE INDEX posting_by_id ON posting (transaction_id);
CREATE INDEX posting_by_auth ON posting (enterprise_id, auth_id);
CREATE INDEX posting_by_card ON posting (enterprise_id, card_id, transaction_id);
