-- The feed of events (src/feed.rs).

-- What commits recorded and nobody has numbered yet, in the order of the commits.
CREATE TABLE feed_entry (
    place         INTEGER PRIMARY KEY,
    enterprise_id INTEGER NOT NULL,
    body          BLOB NOT NULL
) STRICT;

-- Numbered events: consecutive ones of an enterprise, packed. Enterprise 0 has those of nobody.
CREATE TABLE feed_page (
    enterprise_id INTEGER NOT NULL,
    last_number   INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    events        INTEGER NOT NULL,
    numbered_at   INTEGER NOT NULL,
    body          BLOB NOT NULL,
    PRIMARY KEY (enterprise_id, last_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX feed_page_by_position ON feed_page (last_position);

-- The last number of each enterprise; enterprise -1 has the last position of all events.
CREATE TABLE feed_head (
    enterprise_id INTEGER NOT NULL,
    last_number   INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id)
) STRICT, WITHOUT ROWID;
INSERT INTO feed_head (enterprise_id, last_number) VALUES (-1, 0);
