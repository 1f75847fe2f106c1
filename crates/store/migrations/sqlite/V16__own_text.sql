-- What a customer's e-mail is compared by: lower case, form C, the domain as ASCII. The start
-- fills the rows left open here; of two old customers with one key, the first has it and the
-- other has a text that no address has.
ALTER TABLE customer ADD COLUMN email_key TEXT;
UPDATE customer SET email_key = email WHERE email NOT GLOB '*[^ -~]*' AND email NOT LIKE '%xn--%';
CREATE UNIQUE INDEX customer_email_key_once ON customer (enterprise_id, email_key);
CREATE INDEX customer_without_email_key ON customer (created_at, customer_id) WHERE email IS NOT NULL AND email_key IS NULL;
