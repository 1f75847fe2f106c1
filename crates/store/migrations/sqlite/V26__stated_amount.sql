-- The amount that an advice stated last as approved, minor units of the shop's currency: an advice
-- with the same amount is a repeat.
ALTER TABLE network_message ADD COLUMN stated_minor INTEGER;
