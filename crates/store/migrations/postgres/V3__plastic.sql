-- Physical cards: what is kept of PINs, who opened card data, embossing and shipping,
-- and orders in place of a card.

-- The audit of openings: a row is committed before card data leaves the vault.
CREATE TABLE card_reveal (
    enterprise_id BIGINT NOT NULL,
    reveal_id     BIGINT NOT NULL,
    card_id       BIGINT NOT NULL,
    purpose       TEXT   NOT NULL,
    actor         TEXT   NOT NULL,
    revealed_at   BIGINT NOT NULL,
    PRIMARY KEY (enterprise_id, reveal_id)
);
CREATE INDEX card_reveal_by_card ON card_reveal (enterprise_id, card_id, reveal_id);

-- A row exists from the first PIN or the first failed try on. sealed_pvv is null until a
-- PIN is set.
CREATE TABLE card_pin (
    enterprise_id       BIGINT NOT NULL,
    card_id             BIGINT NOT NULL,
    sealed_pvv          BYTEA,
    wrong_pins          BIGINT NOT NULL,
    wrong_resets        BIGINT NOT NULL,
    resets_locked_until BIGINT,
    PRIMARY KEY (enterprise_id, card_id)
);

-- The plastic of a physical card. The delivery data (name, address, phone) are sealed, and
-- wiped once the card is shipped.
CREATE TABLE card_plastic (
    enterprise_id         BIGINT NOT NULL,
    card_id               BIGINT NOT NULL,
    card_layout_code      TEXT   NOT NULL,
    need_shipping_info    BIGINT NOT NULL,
    sealed_delivery       BYTEA,
    embossed_at           BIGINT,
    shipped_at            BIGINT,
    tracking_number       TEXT,
    tracking_company_name TEXT,
    PRIMARY KEY (enterprise_id, card_id)
);

-- One open order at a time in place of a card.
CREATE UNIQUE INDEX card_order_replaces_once ON card_order (enterprise_id, replace_card_id)
    WHERE replace_card_id IS NOT NULL AND status <> 'SUCCEED' AND status <> 'FAILED';
