-- What a message says beside its identity, which messages that make no authorisation need
-- (network-iso8583.md sections 5.2 and 5.7). Those of the simulated network leave it empty.
CREATE TABLE arrived_message (
    message_id      INTEGER NOT NULL PRIMARY KEY,
    network         TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    acquirer        TEXT    NOT NULL,
    stan            TEXT    NOT NULL,
    stamp           TEXT    NOT NULL,
    rrn             TEXT    NOT NULL,
    -- The card, PAN or original that the message is about.
    subject         TEXT    NOT NULL,
    -- MMDDhhmmss, as the network says.
    transmitted_at  TEXT    NOT NULL DEFAULT '',
    processing_code TEXT    NOT NULL DEFAULT '',
    amount_minor    INTEGER,
    currency        INTEGER,
    remaining_minor INTEGER,
    -- The original that the message names.
    original_kind           TEXT,
    original_acquirer       TEXT,
    original_stan           TEXT,
    original_transmitted_at TEXT,
    -- Neither is there for a card that is not one of ours.
    enterprise_id   INTEGER,
    -- The authorisation that the message made.
    auth_id         INTEGER,
    -- What it led to, if nobody was asked.
    outcome         TEXT,
    received_at     INTEGER NOT NULL
) STRICT;
INSERT INTO arrived_message (message_id, network, kind, acquirer, stan, stamp, rrn, subject,
        enterprise_id, auth_id, received_at)
    SELECT message_id, network, kind, acquirer, stan, stamp, rrn, subject,
        enterprise_id, auth_id, received_at
    FROM network_message;
DROP TABLE network_message;
ALTER TABLE arrived_message RENAME TO network_message;
-- The messages about one card stand together: an original is looked for among them.
CREATE UNIQUE INDEX network_message_once
    ON network_message (network, subject, kind, acquirer, stan, stamp, rrn);
CREATE INDEX network_message_by_authorisation ON network_message (enterprise_id, auth_id);
CREATE INDEX network_message_by_age ON network_message (received_at);
-- Reversals whose original has not arrived.
CREATE INDEX network_message_early ON network_message (network, subject)
    WHERE outcome = 'EARLY';
