-- What the cards of a PAN used of the newest day and month in which they were used, for the
-- limits of their profile. A period is named by its first day, counted in UTC+8 from 1970-01-01.
CREATE TABLE velocity_use (
    enterprise_id      INTEGER NOT NULL,
    pan_id             INTEGER NOT NULL,
    day                INTEGER NOT NULL,
    day_amount_minor   INTEGER NOT NULL,
    day_count          INTEGER NOT NULL,
    month              INTEGER NOT NULL,
    month_amount_minor INTEGER NOT NULL,
    month_count        INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, pan_id)
) STRICT, WITHOUT ROWID;

-- Where an authorisation was counted, and how much of its amount still is. Null = it was not.
ALTER TABLE authorisation ADD COLUMN velocity_pan_id INTEGER;
ALTER TABLE authorisation ADD COLUMN velocity_day INTEGER;
ALTER TABLE authorisation ADD COLUMN velocity_minor INTEGER;
