-- What a message says beside its identity, which messages that make no authorisation need
-- (network-iso8583.md sections 5.2 and 5.7). Those of the simulated network leave it empty.
ALTER TABLE network_message
    ALTER COLUMN enterprise_id DROP NOT NULL,
    ALTER COLUMN auth_id DROP NOT NULL,
    ADD COLUMN transmitted_at TEXT NOT NULL DEFAULT '',
    ADD COLUMN processing_code TEXT NOT NULL DEFAULT '',
    ADD COLUMN amount_minor BIGINT,
    ADD COLUMN currency BIGINT,
    ADD COLUMN remaining_minor BIGINT,
    ADD COLUMN original_kind TEXT,
    ADD COLUMN original_acquirer TEXT,
    ADD COLUMN original_stan TEXT,
    ADD COLUMN original_transmitted_at TEXT,
    ADD COLUMN outcome TEXT;
-- The messages about one card stand together: an original is looked for among them.
DROP INDEX network_message_once;
CREATE UNIQUE INDEX network_message_once
    ON network_message (network, subject, kind, acquirer, stan, stamp, rrn);
-- Reversals whose original has not arrived.
CREATE INDEX network_message_early ON network_message (network, subject)
    WHERE outcome = 'EARLY';
