-- What a process wrote before it reads aside (src/aside.rs): a server that has it has all that was
-- committed before.
CREATE TABLE read_marker (
    node   BIGINT NOT NULL,
    run    BIGINT NOT NULL,
    serial BIGINT NOT NULL,
    PRIMARY KEY (node)
);
