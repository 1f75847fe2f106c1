-- The messages of networks by their identity (network-iso8583.md sections 5.1 and 5.2). Until now
-- an index of authorisations by card, STAN and RRN recognised those of the simulated network.
CREATE TABLE network_message (
    message_id    INTEGER NOT NULL PRIMARY KEY,
    network       TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    acquirer      TEXT    NOT NULL,
    stan          TEXT    NOT NULL,
    stamp         TEXT    NOT NULL,
    rrn           TEXT    NOT NULL,
    -- The card, PAN or original that the message is about.
    subject       TEXT    NOT NULL,
    enterprise_id INTEGER NOT NULL,
    auth_id       INTEGER NOT NULL,
    received_at   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX network_message_once
    ON network_message (network, kind, acquirer, stan, stamp, rrn, subject);
CREATE INDEX network_message_by_authorisation ON network_message (enterprise_id, auth_id);
CREATE INDEX network_message_by_age ON network_message (received_at);

-- Ids of the old rows are those of their authorisations, and negative where a message is found by
-- what it follows too.
INSERT INTO network_message (message_id, network, kind, acquirer, stan, stamp, rrn, subject,
        enterprise_id, auth_id, received_at)
    SELECT auth_id, 'sandbox', 'AUTH', '', stan, '', rrn, 'card:' || card_id,
        enterprise_id, auth_id, created_at
    FROM authorisation WHERE stan IS NOT NULL AND rrn IS NOT NULL AND key_retired = 0;
INSERT INTO network_message (message_id, network, kind, acquirer, stan, stamp, rrn, subject,
        enterprise_id, auth_id, received_at)
    SELECT -MIN(auth_id), 'sandbox', 'AUTH', '', stan, '', rrn, 'after:' || original_auth_id,
        MIN(enterprise_id), MIN(auth_id), MIN(created_at)
    FROM authorisation
    WHERE stan IS NOT NULL AND rrn IS NOT NULL AND key_retired = 0 AND original_auth_id IS NOT NULL
    GROUP BY original_auth_id, stan, rrn;

-- The column key_retired of authorisations is no longer read.
DROP INDEX authorisation_network_key_once;
