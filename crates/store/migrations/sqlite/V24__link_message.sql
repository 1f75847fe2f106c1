-- What operators see of the messages of links (network-iso8583.md sections 5.2 and 6.4). Their
-- identities are in network_message, which forgets them sooner.
CREATE TABLE link_message (
    message_id      INTEGER NOT NULL PRIMARY KEY,
    link            TEXT NOT NULL,
    mti             TEXT NOT NULL,
    acquirer        TEXT NOT NULL,
    stan            TEXT NOT NULL,
    rrn             TEXT NOT NULL,
    -- MMDDhhmmss, as the network says.
    transmitted_at  TEXT NOT NULL,
    processing_code TEXT NOT NULL,
    amount_minor    INTEGER,
    currency        INTEGER,
    remaining_minor INTEGER,
    -- The original that the message names.
    original_kind           TEXT,
    original_acquirer       TEXT,
    original_stan           TEXT,
    original_transmitted_at TEXT,
    settlement_date TEXT,
    auth_code       TEXT,
    response_code   TEXT,
    -- Neither is there for a card that is not one of ours.
    enterprise_id   INTEGER,
    card_id         INTEGER,
    -- The authorisation that it made or is about.
    auth_id         INTEGER,
    outcome         TEXT,
    received_at     INTEGER NOT NULL,
    answer_code     TEXT,
    answered_at     INTEGER,
    delivery        TEXT NOT NULL
) STRICT;
CREATE INDEX link_message_by_authorisation ON link_message (auth_id);
CREATE INDEX link_message_by_age ON link_message (received_at);
CREATE INDEX link_message_undelivered ON link_message (delivery, message_id)
    WHERE delivery <> 'WRITTEN';
