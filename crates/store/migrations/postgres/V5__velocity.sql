-- What the cards of a PAN used of the newest day and month in which they were used, for the
-- limits of their profile. A period is named by its first day, counted in UTC+8 from 1970-01-01.
CREATE TABLE velocity_use (
    enterprise_id      BIGINT NOT NULL,
    pan_id             BIGINT NOT NULL,
    day                BIGINT NOT NULL,
    day_amount_minor   BIGINT NOT NULL,
    day_count          BIGINT NOT NULL,
    month              BIGINT NOT NULL,
    month_amount_minor BIGINT NOT NULL,
    month_count        BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, pan_id)
);

-- Where an authorisation was counted, and how much of its amount still is. Null = it was not.
ALTER TABLE authorisation ADD COLUMN velocity_pan_id BIGINT;
ALTER TABLE authorisation ADD COLUMN velocity_day BIGINT;
ALTER TABLE authorisation ADD COLUMN velocity_minor BIGINT;
