-- Zone keys of links that came by messages, sealed (network-iso8583.md section 8.4). Of each kind
-- the latest and the one before it are kept.
CREATE TABLE link_key (
    link         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    sealed       BLOB    NOT NULL,
    -- The check value, which may be shown.
    kcv          TEXT    NOT NULL,
    activated_at INTEGER NOT NULL,
    PRIMARY KEY (link, kind, version)
) STRICT, WITHOUT ROWID;
