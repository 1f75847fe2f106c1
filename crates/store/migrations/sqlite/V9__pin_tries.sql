-- The messages whose wrong PIN was counted, so that one sent again counts once. Kept for a
-- day of real time; what became an authorisation is known by that afterwards.
CREATE TABLE pin_try (
    enterprise_id INTEGER NOT NULL,
    card_id       INTEGER NOT NULL,
    stan          TEXT    NOT NULL,
    rrn           TEXT    NOT NULL,
    counted_at    INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, card_id, stan, rrn)
) STRICT, WITHOUT ROWID;
