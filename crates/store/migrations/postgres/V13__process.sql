-- Which process holds which node number; asked of a server only, since the embedded store's
-- file is locked by its process. expires_at is microseconds since 1970 by the server's clock.
CREATE TABLE process (
    node       BIGINT NOT NULL PRIMARY KEY,
    holder     TEXT   NOT NULL,
    identity   TEXT   NOT NULL,
    epoch      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
