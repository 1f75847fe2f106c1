-- The audit of openings with one index, in the order in which it is read: a row is written each
-- time that card data is opened.
ALTER TABLE card_reveal DROP CONSTRAINT card_reveal_pkey;
ALTER TABLE card_reveal ADD PRIMARY KEY (enterprise_id, card_id, reveal_id);
DROP INDEX card_reveal_by_card;
