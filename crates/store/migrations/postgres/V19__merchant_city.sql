-- The city of the shop, which networks send between its name and its country.
ALTER TABLE authorisation ADD COLUMN merchant_city TEXT;
ALTER TABLE posting ADD COLUMN merchant_city TEXT;
ALTER TABLE three_ds_challenge ADD COLUMN merchant_city TEXT;
