-- Tickets of NORMAL mode and of EDD, and one-time codes sent for enterprises.

CREATE TABLE kyc_ticket (
    enterprise_id   INTEGER NOT NULL,
    kyc_ticket_id   INTEGER NOT NULL,
    kyc_ticket_ref  TEXT   NOT NULL,
    customer_id     INTEGER NOT NULL,
    ticket_type     TEXT   NOT NULL,
    status          TEXT   NOT NULL,
    error_code      TEXT,
    error_reason    TEXT,
    face_matched_at INTEGER,
    created_at      INTEGER NOT NULL,
    modified_at     INTEGER NOT NULL,
    sealed_form     BLOB,
    PRIMARY KEY (enterprise_id, kyc_ticket_id)
) STRICT;
CREATE UNIQUE INDEX kyc_ticket_ref_once ON kyc_ticket (enterprise_id, kyc_ticket_ref);
CREATE UNIQUE INDEX kyc_ticket_open_once ON kyc_ticket (enterprise_id, customer_id) WHERE status IN ('INIT', 'PENDING');
CREATE INDEX kyc_ticket_by_customer ON kyc_ticket (enterprise_id, customer_id, kyc_ticket_id);
CREATE INDEX kyc_ticket_by_id ON kyc_ticket (kyc_ticket_id);

CREATE TABLE intent_ticket (
    enterprise_id   INTEGER NOT NULL,
    ticket_id       INTEGER NOT NULL,
    ticket_ref      TEXT   NOT NULL,
    ticket_type     TEXT   NOT NULL,
    business_id     INTEGER NOT NULL,
    status          TEXT   NOT NULL,
    reason          TEXT,
    created_at      INTEGER NOT NULL,
    modified_at     INTEGER NOT NULL,
    sealed_evidence BLOB,
    PRIMARY KEY (enterprise_id, ticket_id)
) STRICT;
CREATE UNIQUE INDEX intent_ticket_ref_once ON intent_ticket (enterprise_id, ticket_ref);
CREATE UNIQUE INDEX intent_ticket_open_once ON intent_ticket (enterprise_id, business_id) WHERE status IN ('INIT', 'SUBMIT_COMPETED', 'CHECK_PASS');
CREATE INDEX intent_ticket_by_id ON intent_ticket (ticket_id);

-- An order in NORMAL mode waits for its ticket.
ALTER TABLE card_order ADD COLUMN kyc_ticket_id INTEGER;
CREATE INDEX card_order_by_kyc_ticket ON card_order (enterprise_id, kyc_ticket_id) WHERE kyc_ticket_id IS NOT NULL;
CREATE INDEX job_by_subject ON job (enterprise_id, subject_id);

-- One-time codes by the caller's reference; the code itself is never kept. sent_at is real time.
CREATE TABLE otp_delivery (
    enterprise_id INTEGER NOT NULL,
    otp_send_ref  TEXT   NOT NULL,
    status        TEXT   NOT NULL,
    sent_at       INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, otp_send_ref)
) STRICT;
CREATE INDEX otp_delivery_by_time ON otp_delivery (enterprise_id, sent_at);
