-- What is due is kept with the commit that makes it due: one row for each destination, and of
-- the webhooks of an object only the first that is not delivered stands in an index.

-- Places of an object's webhooks, from 1; 0 = delivered before they were counted. Its first
-- pending one is the only one that may be sent.
ALTER TABLE webhook ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE webhook ADD COLUMN is_first BIGINT NOT NULL DEFAULT 0;
UPDATE webhook SET seq = counted.seq FROM (
    SELECT enterprise_id, webhook_id, ROW_NUMBER() OVER (
        PARTITION BY enterprise_id, vm_app_id, business_id ORDER BY webhook_id) AS seq
    FROM webhook WHERE status <> 'DELIVERED') counted
    WHERE webhook.enterprise_id = counted.enterprise_id AND webhook.webhook_id = counted.webhook_id;
UPDATE webhook SET is_first = 1 FROM (
    SELECT enterprise_id, webhook_id, ROW_NUMBER() OVER (
        PARTITION BY enterprise_id, vm_app_id, business_id ORDER BY webhook_id) AS place
    FROM webhook WHERE status = 'PENDING') counted
    WHERE counted.place = 1
    AND webhook.enterprise_id = counted.enterprise_id AND webhook.webhook_id = counted.webhook_id;

DROP INDEX webhook_pending;
CREATE UNIQUE INDEX webhook_seq_once ON webhook (enterprise_id, business_id, vm_app_id, seq)
    WHERE seq > 0;
CREATE INDEX webhook_waiting ON webhook (enterprise_id, business_id, vm_app_id, seq, webhook_id)
    WHERE status = 'PENDING';
CREATE INDEX webhook_due ON webhook (enterprise_id, vm_app_id, next_attempt_at, webhook_id)
    WHERE is_first = 1;

-- Whom webhooks go to: an app, or 0 = the enterprise itself. next_due_at is business time, none
-- if nothing is due or all places of the destination are taken (is_waiting). look_at is real
-- time: the end of a lease, or of a pause.
CREATE TABLE destination (
    enterprise_id BIGINT NOT NULL,
    vm_app_id     BIGINT NOT NULL,
    has_url       BIGINT NOT NULL,
    next_due_at   BIGINT,
    look_at       BIGINT,
    is_waiting    BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, vm_app_id)
);
CREATE INDEX destination_by_due ON destination (next_due_at ASC)
    WHERE has_url = 1 AND next_due_at IS NOT NULL;
CREATE INDEX destination_by_look ON destination (look_at ASC)
    WHERE has_url = 1 AND look_at IS NOT NULL;
INSERT INTO destination (enterprise_id, vm_app_id, has_url, next_due_at, look_at, is_waiting, version)
    SELECT enterprise_id, 0, CASE WHEN webhook_url IS NULL THEN 0 ELSE 1 END, NULL, 0, 0, 1
    FROM enterprise;
INSERT INTO destination (enterprise_id, vm_app_id, has_url, next_due_at, look_at, is_waiting, version)
    SELECT enterprise_id, vm_app_id, CASE WHEN webhook_url IS NULL THEN 0 ELSE 1 END, NULL, 0, 0, 1
    FROM vm_app;

-- A URL may bear a secret. Those that are there in clear are sealed by the start that follows.
ALTER TABLE enterprise ADD COLUMN sealed_webhook_url BYTEA;
ALTER TABLE enterprise ADD COLUMN sealed_auth_url BYTEA;
ALTER TABLE vm_app ADD COLUMN sealed_webhook_url BYTEA;

-- Why an answer did not acknowledge.
ALTER TABLE webhook_attempt ADD COLUMN refusal TEXT;
