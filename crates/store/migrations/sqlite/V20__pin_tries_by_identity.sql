-- A counted PIN is known by the whole identity of its message (network-iso8583.md section 5.1),
-- since STANs come round again. Messages of the simulated network have a STAN and an RRN only.
ALTER TABLE pin_try RENAME TO old_pin_try;
CREATE TABLE pin_try (
    enterprise_id INTEGER NOT NULL,
    card_id       INTEGER NOT NULL,
    network       TEXT    NOT NULL DEFAULT 'sandbox',
    kind          TEXT    NOT NULL DEFAULT 'AUTH',
    acquirer      TEXT    NOT NULL DEFAULT '',
    stan          TEXT    NOT NULL,
    stamp         TEXT    NOT NULL DEFAULT '',
    rrn           TEXT    NOT NULL,
    counted_at    INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, card_id, network, kind, acquirer, stan, stamp, rrn)
) STRICT, WITHOUT ROWID;
INSERT INTO pin_try (enterprise_id, card_id, stan, rrn, counted_at)
    SELECT enterprise_id, card_id, stan, rrn, counted_at FROM old_pin_try;
DROP TABLE old_pin_try;
