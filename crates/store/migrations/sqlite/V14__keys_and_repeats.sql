-- The network's key belongs to one message for 40 days of business time. When a later message
-- bears it, the older authorisation is marked, so that the index guards those in force alone.
ALTER TABLE authorisation ADD COLUMN key_retired INTEGER NOT NULL DEFAULT 0;
DROP INDEX authorisation_network_key_once;
CREATE UNIQUE INDEX authorisation_network_key_once ON authorisation (enterprise_id, card_id, stan, rrn)
    WHERE key_retired = 0;

-- What an idempotency key belongs to until its answer is there, such as an authorisation that
-- waits for its decision: whoever repeats the call is given what became of that.
ALTER TABLE idempotency ADD COLUMN object TEXT;
