-- A counted PIN is known by the whole identity of its message (network-iso8583.md section 5.1),
-- since STANs come round again. Messages of the simulated network have a STAN and an RRN only.
ALTER TABLE pin_try
    ADD COLUMN network  TEXT NOT NULL DEFAULT 'sandbox',
    ADD COLUMN kind     TEXT NOT NULL DEFAULT 'AUTH',
    ADD COLUMN acquirer TEXT NOT NULL DEFAULT '',
    ADD COLUMN stamp    TEXT NOT NULL DEFAULT '',
    DROP CONSTRAINT pin_try_pkey,
    ADD PRIMARY KEY (enterprise_id, card_id, network, kind, acquirer, stan, stamp, rrn);
