-- The feed of events (src/feed.rs).

-- What commits recorded and nobody has numbered yet. The place is the server's time: entries of one
-- object are written under its lock, so their places follow the commits.
CREATE TABLE feed_entry (
    enterprise_id BIGINT NOT NULL,
    place         BIGINT NOT NULL DEFAULT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint,
    body          BYTEA  NOT NULL
);
CREATE INDEX feed_entry_by_place ON feed_entry (place ASC);

-- Numbered events: consecutive ones of an enterprise, packed. Enterprise 0 has those of nobody.
CREATE TABLE feed_page (
    enterprise_id BIGINT NOT NULL,
    last_number   BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    events        BIGINT NOT NULL,
    numbered_at   BIGINT NOT NULL,
    body          BYTEA  NOT NULL,
    PRIMARY KEY (enterprise_id, last_number)
);
CREATE INDEX feed_page_by_position ON feed_page (last_position ASC);

-- The last number of each enterprise; enterprise -1 has the last position of all events.
CREATE TABLE feed_head (
    enterprise_id BIGINT NOT NULL,
    last_number   BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id)
);
INSERT INTO feed_head (enterprise_id, last_number) VALUES (-1, 0);
