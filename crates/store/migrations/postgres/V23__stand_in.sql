-- What is approved in place of an enterprise that does not answer. Null = nothing.
ALTER TABLE enterprise ADD COLUMN stand_in_currency BIGINT;
ALTER TABLE enterprise ADD COLUMN stand_in_amount_minor BIGINT;
ALTER TABLE enterprise ADD COLUMN stand_in_daily_minor BIGINT;

-- What was so approved on each day, counted in UTC+8 from 1970-01-01.
CREATE TABLE stand_in_use (
    enterprise_id  BIGINT NOT NULL,
    currency       BIGINT NOT NULL,
    day            BIGINT NOT NULL,
    approved_minor BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, currency, day)
);
