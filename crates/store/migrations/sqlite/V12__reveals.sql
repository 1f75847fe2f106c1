-- The audit of openings in one tree, in the order in which it is read: a row is written each
-- time that card data is opened.
CREATE TABLE card_reveal_in_order (
    enterprise_id INTEGER NOT NULL,
    card_id       INTEGER NOT NULL,
    reveal_id     INTEGER NOT NULL,
    purpose       TEXT   NOT NULL,
    actor         TEXT   NOT NULL,
    revealed_at   INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, card_id, reveal_id)
) STRICT, WITHOUT ROWID;
INSERT INTO card_reveal_in_order
    SELECT enterprise_id, card_id, reveal_id, purpose, actor, revealed_at FROM card_reveal;
DROP TABLE card_reveal;
ALTER TABLE card_reveal_in_order RENAME TO card_reveal;
