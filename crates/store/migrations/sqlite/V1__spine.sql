-- The spine: everything from the enterprise to the ledger.
--
-- Times are microseconds since 1970 UTC, money is minor units, flags are 0 or 1, currencies are
-- ISO 4217 numbers, lists are lines of text. enterprise_id leads every primary key and unique index, except in
-- routing tables and platform-wide ones. There are no foreign keys: rows of one
-- enterprise stay together, and no check ever crosses to another server.

CREATE TABLE setting (
    name  TEXT  NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE fx_rate (
    from_currency INTEGER NOT NULL,
    to_currency   INTEGER NOT NULL,
    rate          TEXT   NOT NULL,
    PRIMARY KEY (from_currency, to_currency)
) STRICT;

CREATE TABLE enterprise (
    enterprise_id       INTEGER NOT NULL PRIMARY KEY,
    name                TEXT   NOT NULL,
    webhook_url         TEXT,
    auth_url            TEXT,
    external_public_key BLOB,
    webhook_key         TEXT,
    ip_allowlist        TEXT   NOT NULL,
    redirect_hosts      TEXT   NOT NULL,
    page_origins        TEXT   NOT NULL,
    pci                 INTEGER NOT NULL,
    auth_deadline_ms    INTEGER NOT NULL,
    rsa_padding         TEXT   NOT NULL,
    created_at          INTEGER NOT NULL
) STRICT;

CREATE TABLE platform_key (
    enterprise_id      INTEGER NOT NULL,
    version            INTEGER NOT NULL,
    sealed_private_key BLOB  NOT NULL,
    public_key         BLOB  NOT NULL,
    created_at         INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, version)
) STRICT;

-- Routing: a request names its key before anyone knows whose it is.
CREATE TABLE api_key (
    api_key       TEXT   NOT NULL PRIMARY KEY,
    enterprise_id INTEGER NOT NULL,
    sealed_secret BLOB  NOT NULL,
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT;
CREATE INDEX api_key_by_owner ON api_key (enterprise_id, created_at);

CREATE TABLE card_profile (
    enterprise_id        INTEGER NOT NULL,
    profile_id           INTEGER NOT NULL,
    name                 TEXT   NOT NULL,
    bin_range            TEXT   NOT NULL,
    network              TEXT   NOT NULL,
    currency             INTEGER NOT NULL,
    card_layouts         TEXT   NOT NULL,
    supported_countries  TEXT   NOT NULL,
    hold_days_normal     INTEGER NOT NULL,
    hold_days_pre_auth   INTEGER NOT NULL,
    single_amount_minor  INTEGER,
    single_count         INTEGER,
    daily_amount_minor   INTEGER,
    daily_count          INTEGER,
    monthly_amount_minor INTEGER,
    monthly_count        INTEGER,
    created_at           INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, profile_id)
) STRICT;

CREATE TABLE customer (
    enterprise_id      INTEGER NOT NULL,
    customer_id        INTEGER NOT NULL,
    customer_ref       TEXT,
    email              TEXT,
    phone              TEXT,
    phone_country_code TEXT,
    created_at         INTEGER NOT NULL,
    modified_at        INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, customer_id)
) STRICT;
CREATE UNIQUE INDEX customer_ref_once ON customer (enterprise_id, customer_ref);
CREATE UNIQUE INDEX customer_email_once ON customer (enterprise_id, email);
CREATE UNIQUE INDEX customer_phone_once ON customer (enterprise_id, phone);

CREATE TABLE card_order (
    enterprise_id      INTEGER NOT NULL,
    order_id           INTEGER NOT NULL,
    card_order_ref     TEXT   NOT NULL,
    profile_id         INTEGER NOT NULL,
    customer_id        INTEGER NOT NULL,
    order_type         TEXT   NOT NULL,
    status             TEXT   NOT NULL,
    card_id            INTEGER,
    error_code         TEXT,
    error_reason       TEXT,
    need_edd_file      INTEGER NOT NULL,
    replace_card_id    INTEGER,
    created_at         INTEGER NOT NULL,
    modified_at        INTEGER NOT NULL,
    sealed_application BLOB,
    PRIMARY KEY (enterprise_id, order_id)
) STRICT;
CREATE UNIQUE INDEX card_order_ref_once ON card_order (enterprise_id, card_order_ref);

CREATE TABLE pan (
    enterprise_id INTEGER NOT NULL,
    pan_id        INTEGER NOT NULL,
    fingerprint   BLOB  NOT NULL,
    sealed_pan    BLOB  NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, pan_id)
) STRICT;

-- Routing: the network names a PAN before anyone knows whose it is.
CREATE TABLE pan_fingerprint (
    fingerprint   BLOB  NOT NULL PRIMARY KEY,
    enterprise_id INTEGER NOT NULL,
    pan_id        INTEGER NOT NULL
) STRICT;

CREATE TABLE card (
    enterprise_id     INTEGER NOT NULL,
    card_id           INTEGER NOT NULL,
    profile_id        INTEGER NOT NULL,
    customer_id       INTEGER NOT NULL,
    pan_id            INTEGER NOT NULL,
    card_type         TEXT   NOT NULL,
    status            TEXT   NOT NULL,
    status_reason     TEXT   NOT NULL,
    pan_first6        TEXT   NOT NULL,
    pan_last4         TEXT   NOT NULL,
    currency          INTEGER NOT NULL,
    valid_until       INTEGER NOT NULL,
    invalidate_reason TEXT,
    created_at        INTEGER NOT NULL,
    modified_at       INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, card_id)
) STRICT;
CREATE INDEX card_by_id ON card (card_id);
CREATE INDEX card_by_customer ON card (enterprise_id, customer_id, card_id);
CREATE INDEX card_by_pan ON card (enterprise_id, pan_id, card_id);

CREATE TABLE job (
    enterprise_id INTEGER NOT NULL,
    job_id        INTEGER NOT NULL,
    kind          TEXT   NOT NULL,
    subject_id    INTEGER NOT NULL,
    due_at        INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    leased_until  INTEGER,
    PRIMARY KEY (enterprise_id, job_id)
) STRICT;
CREATE INDEX job_by_due ON job (kind, due_at);

-- The outbox. next_attempt_at is business time, leased_until is real time.
CREATE TABLE webhook (
    enterprise_id   INTEGER NOT NULL,
    webhook_id      INTEGER NOT NULL,
    webhook_type    TEXT   NOT NULL,
    sub_type        TEXT   NOT NULL,
    business_id     INTEGER NOT NULL,
    body            BLOB  NOT NULL,
    created_at      INTEGER NOT NULL,
    status          TEXT   NOT NULL,
    tries           INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    leased_until    INTEGER,
    PRIMARY KEY (enterprise_id, webhook_id)
) STRICT;
CREATE INDEX webhook_by_id ON webhook (webhook_id);
CREATE INDEX webhook_by_business ON webhook (business_id, webhook_id);
CREATE INDEX webhook_pending ON webhook (enterprise_id, next_attempt_at) WHERE status = 'PENDING';
CREATE INDEX webhook_dead ON webhook (webhook_id) WHERE status = 'DEAD';

CREATE TABLE webhook_attempt (
    enterprise_id INTEGER NOT NULL,
    webhook_id    INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    attempted_at  INTEGER NOT NULL,
    status        INTEGER,
    latency_ms    INTEGER NOT NULL,
    excerpt       TEXT   NOT NULL,
    PRIMARY KEY (enterprise_id, webhook_id, attempt)
) STRICT, WITHOUT ROWID;

-- Requests already served, shared by all processes; the embedded store keeps them in memory.
CREATE TABLE request_memory (
    digest    BLOB  NOT NULL PRIMARY KEY,
    forget_at INTEGER NOT NULL
) STRICT;
CREATE INDEX request_memory_by_end ON request_memory (forget_at);

CREATE TABLE idempotency (
    idempotency_key TEXT   NOT NULL PRIMARY KEY,
    digest          BLOB  NOT NULL,
    status          INTEGER,
    body            BLOB,
    taken_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (taken_at);

CREATE TABLE ledger_account (
    enterprise_id   INTEGER NOT NULL,
    account_id      INTEGER NOT NULL,
    currency        INTEGER NOT NULL,
    funding_minor   INTEGER NOT NULL,
    available_minor INTEGER NOT NULL,
    held_minor      INTEGER NOT NULL,
    posted_minor    INTEGER NOT NULL,
    forced_negative INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ledger_account_currency_once ON ledger_account (enterprise_id, currency);

CREATE TABLE ledger_transfer (
    enterprise_id INTEGER NOT NULL,
    transfer_id   INTEGER NOT NULL,
    account_id    INTEGER NOT NULL,
    kind          TEXT   NOT NULL,
    from_bucket   TEXT   NOT NULL,
    to_bucket     TEXT   NOT NULL,
    amount_minor  INTEGER NOT NULL,
    currency      INTEGER NOT NULL,
    auth_id       INTEGER,
    reference     TEXT,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, transfer_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ledger_transfer_reference_once ON ledger_transfer (enterprise_id, reference) WHERE reference IS NOT NULL;
CREATE INDEX ledger_transfer_by_auth ON ledger_transfer (enterprise_id, auth_id) WHERE auth_id IS NOT NULL;

CREATE TABLE authorisation (
    enterprise_id           INTEGER NOT NULL,
    auth_id                 INTEGER NOT NULL,
    card_id                 INTEGER NOT NULL,
    customer_id             INTEGER NOT NULL,
    outs_id                 INTEGER NOT NULL,
    original_auth_id        INTEGER,
    direction               TEXT   NOT NULL,
    auth_type               TEXT   NOT NULL,
    transaction_type        TEXT   NOT NULL,
    amount_minor            INTEGER NOT NULL,
    currency                INTEGER NOT NULL,
    acquirer_amount_minor   INTEGER NOT NULL,
    acquirer_currency       INTEGER NOT NULL,
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
    hold_remaining_minor    INTEGER NOT NULL,
    hold_expires_at         INTEGER,
    posted_minor            INTEGER NOT NULL,
    cleared_acquirer_minor  INTEGER NOT NULL,
    reversed_acquirer_minor INTEGER NOT NULL,
    created_at              INTEGER NOT NULL,
    decided_at              INTEGER,
    receipt                 TEXT   NOT NULL,
    late_answer             TEXT,
    PRIMARY KEY (enterprise_id, auth_id)
) STRICT;
CREATE UNIQUE INDEX authorisation_network_key_once ON authorisation (enterprise_id, card_id, stan, rrn);
CREATE INDEX authorisation_by_id ON authorisation (auth_id);
CREATE INDEX authorisation_by_card ON authorisation (enterprise_id, card_id, created_at);
CREATE INDEX authorisation_undecided ON authorisation (created_at) WHERE status = 'PENDING';
CREATE INDEX authorisation_open_hold ON authorisation (hold_expires_at) WHERE hold_state = 'PENDING' AND status <> 'PENDING';

CREATE TABLE posting (
    enterprise_id         INTEGER NOT NULL,
    transaction_id        INTEGER NOT NULL,
    auth_id               INTEGER NOT NULL,
    outs_id               INTEGER NOT NULL,
    card_id               INTEGER NOT NULL,
    customer_id           INTEGER NOT NULL,
    direction             TEXT   NOT NULL,
    amount_minor          INTEGER NOT NULL,
    currency              INTEGER NOT NULL,
    acquirer_amount_minor INTEGER NOT NULL,
    acquirer_currency     INTEGER NOT NULL,
    merchant_id           TEXT,
    merchant_name         TEXT,
    merchant_country      TEXT,
    mcc                   TEXT,
    authorised_at         INTEGER NOT NULL,
    posted_at             INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, transaction_id)
) STRICT;
CREATE INDEX posting_by_id ON posting (transaction_id);
CREATE INDEX posting_by_auth ON posting (enterprise_id, auth_id);
CREATE INDEX posting_by_card ON posting (enterprise_id, card_id, transaction_id);
