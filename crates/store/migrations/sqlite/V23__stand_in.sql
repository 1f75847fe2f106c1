-- What is approved in place of an enterprise that does not answer. Null = nothing.
ALTER TABLE enterprise ADD COLUMN stand_in_currency INTEGER;
ALTER TABLE enterprise ADD COLUMN stand_in_amount_minor INTEGER;
ALTER TABLE enterprise ADD COLUMN stand_in_daily_minor INTEGER;

-- What was so approved on each day, counted in UTC+8 from 1970-01-01.
CREATE TABLE stand_in_use (
    enterprise_id  INTEGER NOT NULL,
    currency       INTEGER NOT NULL,
    day            INTEGER NOT NULL,
    approved_minor INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, currency, day)
) STRICT, WITHOUT ROWID;
