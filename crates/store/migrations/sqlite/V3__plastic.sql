-- Physical cards: what is kept of PINs, who opened card data, embossing and shipping,
-- and orders in place of a card.

-- The audit of openings: a row is committed before card data leaves the vault.
CREATE TABLE card_reveal (
    enterprise_id INTEGER NOT NULL,
    reveal_id     INTEGER NOT NULL,
    card_id       INTEGER NOT NULL,
    purpose       TEXT   NOT NULL,
    actor         TEXT   NOT NULL,
    revealed_at   INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, reveal_id)
) STRICT;
CREATE INDEX card_reveal_by_card ON card_reveal (enterprise_id, card_id, reveal_id);

-- A row exists from the first PIN or the first failed try on. sealed_pvv is null until a
-- PIN is set.
CREATE TABLE card_pin (
    enterprise_id       INTEGER NOT NULL,
    card_id             INTEGER NOT NULL,
    sealed_pvv          BLOB,
    wrong_pins          INTEGER NOT NULL,
    wrong_resets        INTEGER NOT NULL,
    resets_locked_until INTEGER,
    PRIMARY KEY (enterprise_id, card_id)
) STRICT, WITHOUT ROWID;

-- The plastic of a physical card. The delivery data (name, address, phone) are sealed, and
-- wiped once the card is shipped.
CREATE TABLE card_plastic (
    enterprise_id         INTEGER NOT NULL,
    card_id               INTEGER NOT NULL,
    card_layout_code      TEXT   NOT NULL,
    need_shipping_info    INTEGER NOT NULL,
    sealed_delivery       BLOB,
    embossed_at           INTEGER,
    shipped_at            INTEGER,
    tracking_number       TEXT,
    tracking_company_name TEXT,
    PRIMARY KEY (enterprise_id, card_id)
) STRICT;

-- One open order at a time in place of a card.
CREATE UNIQUE INDEX card_order_replaces_once ON card_order (enterprise_id, replace_card_id)
    WHERE replace_card_id IS NOT NULL AND status <> 'SUCCEED' AND status <> 'FAILED';
